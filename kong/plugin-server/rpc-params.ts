// Checks the arguments of RPC calls: other processes than Kong may use the socket. An invalid argument must be an error of
// its call, not an exception somewhere else.
import { PluginServerError } from './plugin-server-error';

/** One function for each kind of argument. Each throws `ERR_RPC_REQUEST` if the argument is invalid. */
export const rpcParams = {
  startInstance(value: unknown): { name: string; configText: string } {
    const { Name, Config } = asRecord(value);
    if (typeof Name !== 'string' || typeof Config !== 'string') {
      throw invalid('StartInstance');
    }
    return { name: Name, configText: Config };
  },

  handleEvent(value: unknown): { instanceId: number; phase: string } {
    const { InstanceId, EventName } = asRecord(value);
    if (typeof InstanceId !== 'number' || typeof EventName !== 'string') {
      throw invalid('HandleEvent');
    }
    return { instanceId: InstanceId, phase: EventName };
  },

  /** `data` is undefined if Kong's PDK returned nothing. */
  step(value: unknown): { eventId: number; data: unknown } {
    const { EventId, Data } = asRecord(value);
    if (typeof EventId !== 'number') {
      throw invalid('Step');
    }
    return { eventId: EventId, data: Data };
  },

  instanceId(value: unknown): number {
    if (typeof value !== 'number') {
      throw invalid('an instance ID');
    }
    return value;
  },
};

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function invalid(what: string): PluginServerError {
  return new PluginServerError('ERR_RPC_REQUEST', `invalid argument of ${what}`);
}
