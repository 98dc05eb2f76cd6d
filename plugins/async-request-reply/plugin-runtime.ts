// What the instances of the plugin share in one process: connections and the log.
import pino from 'pino';
import { DEFAULT_LOG_LEVEL } from '../../schemas/process-settings';
import { StoreRegistry } from './accept/store-registry';
import { serializeError } from './errors/serialize-error';
import type { HandoffListener } from './handoff/types';
import { InstanceStores } from './instance-stores';
import { SecretStore } from './secrets/secret-store';
import { ValidatorPool } from './validation/validator-pool';

interface PluginRuntime {
  /** Its level is the default of `log_level` until the plugin server sets it to its own. */
  readonly log: pino.Logger;
  readonly stores: StoreRegistry;
  readonly instanceStores: InstanceStores;
  /** The secrets that the jobs of the instances need. The plugin server passes them to its own workers. */
  readonly secrets: SecretStore;
  /** Starts its threads at the first use. */
  readonly validators: ValidatorPool;
  /** The listener for large bodies, which the plugin server sets; undefined in a plugin server that has none. */
  handoff: HandoffListener | undefined;
}

let runtime: PluginRuntime | undefined;

/** The runtime of the process, created at its first use: importing the plugin opens nothing. */
export function pluginRuntime(): PluginRuntime {
  if (runtime === undefined) {
    const log = pino({
      name: 'async-request-reply',
      level: DEFAULT_LOG_LEVEL,
      serializers: { err: serializeError },
    });
    runtime = {
      log,
      stores: new StoreRegistry((error) => log.warn({ err: error }, 'redis connection failed')),
      instanceStores: new InstanceStores(),
      secrets: new SecretStore(),
      validators: new ValidatorPool(),
      handoff: undefined,
    };
  }
  return runtime;
}
