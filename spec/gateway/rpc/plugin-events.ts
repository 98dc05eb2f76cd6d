import type { PluginConfig } from '../config/plugin-config';
import { callPdk } from '../pdk/call-pdk';
import type { PdkScope } from '../pdk/pdk-call';
import { LuaError, luaText, type LuaTable, type LuaValue } from './lua-value';
import type { PluginInstances } from './plugin-instances';
import type { CallOutcome, RpcClient } from './rpc-client';

/**
 * One phase of an external plugin: HandleEvent, then a Step for each PDK call until the server says `ret`, after
 * `handle_event` and `bridge_loop` in kong/runloop/plugin_servers/rpc/mp_rpc.lua. What goes wrong between Kong and the
 * server is logged and lets the request pass; what goes wrong in Kong raises.
 */
export class PluginEvents {
  constructor(
    private readonly rpc: RpcClient,
    private readonly instances: PluginInstances,
    private readonly onUnknownInstance: (pluginName: string) => void,
  ) {}

  /** @throws LuaError for Kong's 500, PhaseExit when the plugin answered */
  async run(scope: PdkScope, config: PluginConfig, phase: string): Promise<void> {
    for (;;) {
      const error = await this.#once(scope, config, phase);
      if (error === null) return;
      // Repeated without limit, as Kong does: a server that never knows its instances keeps both busy for ever.
      if (!error.toLowerCase().includes('no plugin instance')) {
        scope.log.error(`[${scope.pluginName}] ${error}`);
        return;
      }
      this.onUnknownInstance(scope.pluginName);
      scope.log.warn(error);
    }
  }

  async #once(scope: PdkScope, config: PluginConfig, phase: string): Promise<string | null> {
    const id = await this.instances.idFor(scope.pluginName, config);
    if (typeof id !== 'number') return id.error;
    let outcome = await this.rpc.call('plugin.HandleEvent', { InstanceId: id, EventName: phase });
    for (;;) {
      if (!outcome.ok) return outcome.error;
      const step = outcome.result as LuaTable | null | undefined | false;
      // No result and no error: Kong leaves the loop without a word.
      if (!step) return null;
      if (step['Data'] === 'ret') return null;
      outcome = await this.#step(scope, step['EventId'], step['Data']);
    }
  }

  async #step(scope: PdkScope, eventId: LuaValue, data: LuaValue): Promise<CallOutcome> {
    if (typeof data !== 'object' || data === null || Array.isArray(data) || Buffer.isBuffer(data)) {
      throw new LuaError("attempt to index field 'Data'");
    }
    const call = data as LuaTable;
    const step = await callPdk(scope, luaText(call['Method']), call['Args']);
    if ('unpackable' in step) return await this.rpc.failToPack(step.unpackable);
    const { method, data: result } = step;
    return await this.rpc.call(method, { EventId: eventId, Data: result });
  }
}
