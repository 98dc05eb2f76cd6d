import type { Entities } from '../config/entities';
import type { GatewayLog } from '../gateway-log';
import type { Exchange } from '../http/exchange';
import type { NginxMap } from '../http/nginx-include';
import type { LuaValue } from '../rpc/lua-value';

/** What a PDK method may touch. */
export interface PdkScope {
  exchange: Exchange;
  entities: Entities;
  maps: Map<string, NginxMap>;
  log: GatewayLog;
  pluginName: string;
}

/** One PDK method: its first return value is all that the plugin server gets; a LuaError ends the phase. */
export type PdkMethod = (scope: PdkScope, ...args: LuaValue[]) => LuaValue | Promise<LuaValue>;

/** Thrown through the event loop by `kong.response.exit`: the phase is over, and nothing more is said to the server. */
export class PhaseExit extends Error {
  override readonly name = 'PhaseExit';
}
