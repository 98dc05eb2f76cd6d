import { LuaError, luaText, type LuaTable, type LuaValue } from '../rpc/lua-value';
import { otherMethods } from './other-methods';
import type { PdkMethod, PdkScope } from './pdk-call';
import { requestMethods } from './request-methods';
import { responseMethods } from './response-methods';
import { serviceMethods } from './service-methods';

const METHODS: Record<string, PdkMethod> = {
  ...requestMethods,
  ...responseMethods,
  ...serviceMethods,
  ...otherMethods,
};

/** What Kong's PDK has and the emulator knows nothing of: a plugin that uses it must not pass here unseen. */
const UNKNOWN_HERE = [
  /^kong\.(vault|telemetry|tracing|jwe|enterprise_edition|cluster|plugin|dns|cache|db|node|table)\./,
  /^kong\.client\.(tls|authenticate)/,
  /^kong\.service\.(set_t|request\.set_body)/,
  /^kong\.log\.(inspect|set_serialize_value)/,
];

/** Results that are tables of strings or arrays of them. */
const MULTI_MAPS = new Set(['kong.request.get_query', 'kong.request.get_headers']);

const STEP_METHODS: Record<string, string> = {
  'kong.client.get_credential': 'plugin.StepCredential',
  'kong.client.authenticate': 'plugin.StepCredential',
  'kong.client.load_consumer': 'plugin.StepConsumer',
  'kong.client.get_consumer': 'plugin.StepConsumer',
  'kong.node.get_memory_stats': 'plugin.StepMemoryStats',
  'kong.router.get_route': 'plugin.StepRoute',
  'kong.router.get_service': 'plugin.StepService',
  'kong.request.get_query': 'plugin.StepMultiMap',
  'kong.request.get_headers': 'plugin.StepMultiMap',
};

/** A call's result as it goes back to the plugin server; `unpackable` is a value that Kong cannot put on the wire. */
type Step = { method: string; data: LuaValue } | { unpackable: string };

/**
 * Runs a PDK method and makes of its first return value what Kong sends (`call_pdk_method`, `must_fix` and
 * `get_step_method` in kong/runloop/plugin_servers/rpc/mp_rpc.lua).
 * @throws LuaError where Kong raises, PhaseExit when the phase is over
 */
export async function callPdk(scope: PdkScope, name: string, args: LuaValue): Promise<Step> {
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  const step = STEP_METHODS[name] ?? 'plugin.Step';
  if (!method) {
    if (UNKNOWN_HERE.some((pattern) => pattern.test(name))) {
      throw new LuaError(`the Kong emulator has no ${name}: use a real Kong`);
    }
    scope.log.error(`could not find pdk method: ${name}`);
    return { method: step, data: null };
  }
  const result = await method(scope, ...luaUnpackArguments(args));
  if (name === 'kong.request.get_raw_body') {
    // Kong wraps the result before it looks at it, and fails to pack what is not there.
    if (result === null || result === undefined) return { unpackable: "bad argument #1 to 'get length of'" };
    return { method: step, data: Buffer.from(luaText(result), 'latin1') };
  }
  return { method: step, data: MULTI_MAPS.has(name) ? multiMap(result as LuaTable) : result };
}

/** `unpack(args)`: a nil among the arguments hides those behind it. */
function luaUnpackArguments(args: LuaValue): LuaValue[] {
  if (args === null || args === undefined) return [];
  if (!Array.isArray(args)) return typeof args === 'object' ? [] : [args];
  const hole = args.findIndex((item) => item === null || item === undefined);
  return hole < 0 ? args : args.slice(0, hole);
}

/** Values become arrays; an argument without a value an empty one. */
function multiMap(table: LuaTable): Map<string, LuaValue> {
  return new Map(
    Object.entries(table).map(([key, value]) => {
      if (value === true) return [key, []];
      return [key, typeof value === 'string' ? [value] : value];
    }),
  );
}
