// The arguments of Kong's RPC calls, checked: the socket is open to more than Kong, and what is not as Kong sends it
// must end as an error for that call, not as an exception somewhere inside.
import { PluginServerError } from './plugin-server-error';

/** One function for each kind of argument; each throws `ERR_RPC_REQUEST` for what is not of its kind. */
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

  /** `data` is undefined where Kong's PDK returned nothing. */
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
