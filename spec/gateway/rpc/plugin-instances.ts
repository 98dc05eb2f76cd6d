import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayLog } from '../gateway-log';
import type { PluginConfig } from '../config/plugin-config';
import { luaJson } from './lua-json';
import type { RpcClient } from './rpc-client';
import { LuaError, type LuaTable } from './lua-value';

/** An instance that is being started has no ID yet: that is the claim on it. */
interface Instance {
  id: number | null;
  seq: number;
  pluginId: string;
  /** Known once it has run: a reset passes by what never ran. */
  pluginName: string | null;
}

/** Kong waits for another request's StartInstance in steps of 0.1 s, for 10 s. */
const WAIT_STEP_MS = 100;
const MAX_WAIT_STEPS = 100;

/**
 * Which instance of the plugin server serves which configuration, for one Kong worker; after `get_instance_id` and
 * `reset_instance` in `kong/runloop/plugin_servers/plugin.lua`.
 *
 * States of an entry: absent, claimed (no ID), running. A new `__seq__` makes a running one claimed again, and the
 * instance that it had is closed once the new one runs.
 */
export class PluginInstances {
  readonly #rpc: RpcClient;
  readonly #log: GatewayLog;
  readonly #running = new Map<string, Instance>();

  constructor(rpc: RpcClient, log: GatewayLog) {
    this.#rpc = rpc;
    this.#log = log;
  }

  /**
   * @returns the ID, or an error that lets the request pass
   * @throws LuaError when StartInstance fails: the client gets 500
   */
  async idFor(pluginName: string, config: PluginConfig): Promise<number | { error: string }> {
    const key = config.__plugin_id;
    const claimed = await this.#waitWhileClaimed(key);
    if (claimed === 'timeout') {
      return { error: `Could not claim instance_id for ${pluginName} (key: ${key})` };
    }
    if (claimed && claimed.id !== null && claimed.seq === config.__seq__ && claimed.pluginId === key) {
      return claimed.id;
    }
    return await this.#start(pluginName, config, claimed);
  }

  /** Forgets the plugin's instances, so that each is started anew when it is next wanted. */
  reset(pluginName: string): void {
    for (const [key, instance] of this.#running) {
      if (instance.pluginName === pluginName) this.#running.delete(key);
    }
  }

  async #waitWhileClaimed(key: string): Promise<Instance | undefined | 'timeout'> {
    for (let step = 0; ; step++) {
      const instance = this.#running.get(key);
      if (!instance || instance.id !== null) return instance;
      if (step === MAX_WAIT_STEPS) {
        this.#running.delete(key);
        return 'timeout';
      }
      await delay(WAIT_STEP_MS);
    }
  }

  async #start(pluginName: string, config: PluginConfig, old: Instance | undefined): Promise<number> {
    const key = config.__plugin_id;
    const oldId = old?.id ?? null;
    const instance = old ?? { id: null, seq: config.__seq__, pluginId: key, pluginName: null };
    instance.id = null;
    this.#running.set(key, instance);
    const started = await this.#call(pluginName, config, key);
    instance.id = started;
    instance.seq = config.__seq__;
    instance.pluginName = pluginName;
    // Kong does not look at the outcome of closing the old one either.
    if (oldId !== null) await this.#rpc.call('plugin.CloseInstance', oldId);
    return started;
  }

  async #call(pluginName: string, config: PluginConfig, key: string): Promise<number> {
    const outcome = await this.#rpc.call('plugin.StartInstance', {
      Name: pluginName,
      Config: luaJson(config),
    });
    const status = outcome.ok ? (outcome.result as LuaTable | null | undefined) : null;
    if (status) return status['Id'] as number;
    const error = outcome.ok ? 'nil' : outcome.error;
    this.#log.error(`starting instance: ${error}`);
    this.#running.delete(key);
    throw new LuaError(error);
  }
}
