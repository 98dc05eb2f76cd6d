import { normalizePath } from '../http/uri';
import { LuaError, type LuaValue } from '../rpc/lua-value';
import { countArgument, stringArgument } from './arguments';
import { decodeLuaJson } from './lua-json-decode';
import type { PdkMethod, PdkScope } from './pdk-call';
import { decodeArgs } from './query-args';

/** `lua_max_req_headers` and its like: how many are taken when the caller does not say. */
const DEFAULT_MAX = 100;

/** `kong.request.*` (kong/pdk/request.lua). */
export const requestMethods: Record<string, PdkMethod> = {
  'kong.request.get_scheme': () => 'http',
  'kong.request.get_host': ({ exchange }) => exchange.host,
  'kong.request.get_port': ({ exchange }) => exchange.serverPort,
  'kong.request.get_forwarded_scheme': () => 'http',
  'kong.request.get_forwarded_host': ({ exchange }) => exchange.host,
  'kong.request.get_forwarded_port': ({ exchange }) => exchange.serverPort,
  'kong.request.get_forwarded_path': ({ exchange }) => normalizePath(exchange.rawPath, true),
  'kong.request.get_forwarded_prefix': ({ exchange }) =>
    exchange.set.get('upstream_x_forwarded_prefix') ?? '',
  'kong.request.get_http_version': ({ exchange }) => Number(exchange.httpVersion),
  'kong.request.get_method': ({ exchange }) => exchange.method,
  'kong.request.get_path': ({ exchange }) => normalizePath(exchange.rawPath, true),
  'kong.request.get_raw_path': ({ exchange }) => exchange.rawPath,
  'kong.request.get_path_with_query': ({ exchange }) => exchange.target,
  'kong.request.get_raw_query': ({ exchange }) => exchange.query ?? '',
  'kong.request.get_query_arg': ({ exchange }, name) => {
    const value = decodeArgs(exchange.query ?? '', DEFAULT_MAX)[stringArgument(name, 'query argument name')];
    return Array.isArray(value) ? value[0] : value;
  },
  'kong.request.get_query': ({ exchange }, max) =>
    decodeArgs(exchange.query ?? '', countArgument(max, 'max_args') ?? DEFAULT_MAX),
  'kong.request.get_header': ({ exchange }, name) =>
    exchange.headers.first(stringArgument(name, 'header name').replaceAll('_', '-')) ??
    exchange.headers.first(stringArgument(name, 'header name')),
  'kong.request.get_headers': ({ exchange }, max) =>
    exchange.headers.toLua(countArgument(max, 'max_headers') ?? DEFAULT_MAX),
  'kong.request.get_raw_body': (scope, max) => rawBody(scope, max),
  'kong.request.get_body': body,
  'kong.request.get_uri_captures': () => ({ unnamed: [], named: {} }),
  'kong.request.get_start_time': ({ exchange }) => exchange.startedAtMs,
};

/** Null where nginx has the body on disk and the caller allows no file of that size. */
async function rawBody({ exchange }: PdkScope, max: LuaValue): Promise<string | null> {
  const bytes = await exchange.body.read();
  if (exchange.body.isOnDisk(exchange.headLength)) {
    if (max === undefined || max === null) return null;
    if (typeof max !== 'number') throw new LuaError('attempt to compare string with number');
    if (max < 0 || (max > 0 && bytes.length > max)) return null;
  }
  return bytes.toString('latin1');
}

async function body(
  scope: PdkScope,
  mime: LuaValue,
  maxArgs: LuaValue,
  maxFile: LuaValue,
): Promise<LuaValue> {
  const given = mime ?? scope.exchange.headers.first('content-type');
  if (given === undefined || given === null) return null;
  const type = stringArgument(given, 'mimetype').toLowerCase().split(';')[0] ?? '';
  if (type.startsWith('application/x-www-form-urlencoded')) {
    const text = await rawBody(scope, maxFile);
    return text === null ? null : decodeArgs(text, countArgument(maxArgs, 'max_args') ?? DEFAULT_MAX);
  }
  if (!type.startsWith('application/json')) return null;
  const text = await rawBody(scope, maxFile);
  return text === null ? null : decodeLuaJson(text);
}
