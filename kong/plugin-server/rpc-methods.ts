// The methods that Kong may call by name. They are in a table, so that a message cannot call inherited methods of the
// server object. kong-pdk's `SetPluginDir` is not in the table: Kong never calls it, and it loads code.
import type { RpcServer } from './rpc-server';

type RpcMethod = (server: RpcServer, argument: unknown) => Promise<unknown>;

const step: RpcMethod = (server, answer) => server.step(answer, false);

/** Methods by their names in the protocol. Each has one argument. Kong selects the step by the type that the PDK returned. */
export const rpcMethods: ReadonlyMap<unknown, RpcMethod> = new Map<unknown, RpcMethod>([
  ['plugin.HandleEvent', (server, event) => server.HandleEvent(event)],
  ['plugin.Step', step],
  ['plugin.StepMultiMap', step],
  ['plugin.StepService', step],
  ['plugin.StepRoute', step],
  ['plugin.StepConsumer', step],
  ['plugin.StepCredential', step],
  ['plugin.StepPlugin', step],
  ['plugin.StepMemoryStats', step],
  ['plugin.StepError', (server, answer) => server.step(answer, true)],
  ['plugin.StartInstance', (server, request) => server.StartInstance(request)],
  ['plugin.InstanceStatus', (server, instanceId) => server.InstanceStatus(instanceId)],
  ['plugin.CloseInstance', (server, instanceId) => server.CloseInstance(instanceId)],
  ['plugin.GetStatus', (server) => server.GetStatus()],
  ['plugin.GetPluginInfo', (server, name) => server.GetPluginInfo(String(name))],
]);
