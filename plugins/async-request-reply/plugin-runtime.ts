// What the plugin's instances share in one process: connections and the log.
import pino from 'pino';
import type { HandoffLane } from './handoff/lane';
import { InstanceHolds } from './instance-holds';
import { SecretBox } from './secrets/secret-box';
import { StoreRegistry } from './accept/store-registry';
import { ValidatorPool } from './validation/validator-pool';

export interface PluginRuntime {
  readonly log: pino.Logger;
  readonly stores: StoreRegistry;
  readonly holds: InstanceHolds;
  /** What the instances' jobs need in a worker. The plugin server hands them to its own workers. */
  readonly secrets: SecretBox;
  /** Has no thread before its first use. */
  readonly validators: ValidatorPool;
  /** Where large bodies go; undefined in a plugin server that has no listener for them. */
  handoff: HandoffLane | undefined;
}

let runtime: PluginRuntime | undefined;

/** The process's runtime, made at its first use: importing the plugin opens nothing. */
export function pluginRuntime(): PluginRuntime {
  if (runtime === undefined) {
    const log = pino({ name: 'async-request-reply', level: process.env['ARR_LOG_LEVEL'] ?? 'info' });
    runtime = {
      log,
      stores: new StoreRegistry((error) => log.warn({ err: error.message }, 'redis connection')),
      holds: new InstanceHolds(),
      secrets: new SecretBox(),
      validators: new ValidatorPool(),
      handoff: undefined,
    };
  }
  return runtime;
}
