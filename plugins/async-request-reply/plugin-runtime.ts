// What the plugin's instances share in one process: connections and the log.
import pino from 'pino';
import type { HandoffListener } from './handoff/handoff-listener';
import { InstanceStores } from './instance-stores';
import { SecretStore } from './secrets/secret-store';
import { StoreRegistry } from './accept/store-registry';
import { ValidatorPool } from './validation/validator-pool';

export interface PluginRuntime {
  readonly log: pino.Logger;
  readonly stores: StoreRegistry;
  readonly instanceStores: InstanceStores;
  /** What the instances' jobs need in a worker. The plugin server hands them to its own workers. */
  readonly secrets: SecretStore;
  /** Has no thread before its first use. */
  readonly validators: ValidatorPool;
  /** Where large bodies go; undefined in a plugin server that has no listener for them. */
  handoff: HandoffListener | undefined;
}

let runtime: PluginRuntime | undefined;

/** The process's runtime, made at its first use: importing the plugin opens nothing. */
export function pluginRuntime(): PluginRuntime {
  if (runtime === undefined) {
    const log = pino({ name: 'async-request-reply', level: process.env['ARR_LOG_LEVEL'] ?? 'info' });
    runtime = {
      log,
      stores: new StoreRegistry((error) => log.warn({ err: error.message }, 'redis connection')),
      instanceStores: new InstanceStores(),
      secrets: new SecretStore(),
      validators: new ValidatorPool(),
      handoff: undefined,
    };
  }
  return runtime;
}
