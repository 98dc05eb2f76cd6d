import { headerTexts } from '../http/response-header';
import { checkHeaderValue } from '../http/send-answer';
import { escapePath } from '../http/uri';
import { LuaError, luaText, type LuaTable, type LuaValue } from '../rpc/lua-value';
import { stringArgument } from './arguments';
import type { PdkMethod, PdkScope } from './pdk-call';
import { encodeArgs } from './query-args';
import { headersTable, wrongPhase } from './response-methods';

const METHODS = new Set(
  'GET HEAD PUT POST DELETE OPTIONS MKCOL COPY MOVE PROPFIND PROPPATCH LOCK UNLOCK PATCH TRACE'.split(' '),
);

/** What `ngx.req.set_uri_args` escapes of a string. */
// eslint-disable-next-line no-control-regex -- control characters are the point
const UNSAFE = /[\x00-\x20\x7f]/g;

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** `kong.service.*` (kong/pdk/service.lua, kong/pdk/service/request.lua). */
export const serviceMethods: Record<string, PdkMethod> = {
  'kong.service.set_upstream': ({ exchange, entities }, host) => {
    if (!entities.upstreams.has(stringArgument(host, 'host'))) return null;
    balancer(exchange.context.balancer_data)['host'] = host;
    return true;
  },
  'kong.service.set_target': ({ exchange }, host, port) => {
    const isPort = typeof port === 'number' && Number.isInteger(port);
    const name = stringArgument(host, 'host');
    if (!isPort) throw new LuaError('port must be an integer');
    if (port < 0 || port > 65535) throw new LuaError('port must be an integer between 0 and 65535');
    exchange.set.set('upstream_host', name);
    Object.assign(balancer(exchange.context.balancer_data), { host: name, port });
    return null;
  },
  'kong.service.set_retries': ({ exchange }, retries) => {
    balancer(exchange.context.balancer_data)['retries'] = integer(retries, 'retries');
    return null;
  },
  'kong.service.set_timeouts': ({ exchange }, connect, write, read) => {
    Object.assign(balancer(exchange.context.balancer_data), {
      connect_timeout: integer(connect, 'connect_timeout'),
      write_timeout: integer(write, 'write_timeout'),
      read_timeout: integer(read, 'read_timeout'),
    });
    return null;
  },
  'kong.service.set_tls_verify': (_scope, on) => {
    if (typeof on !== 'boolean') throw new LuaError('argument must be a boolean');
    return true;
  },
  'kong.service.request.enable_buffering': () => null,
  'kong.service.request.set_scheme': ({ exchange }, scheme) => {
    if (scheme !== 'http' && scheme !== 'https') throw new LuaError(`invalid scheme: ${luaText(scheme)}`);
    exchange.set.set('upstream_scheme', scheme);
    return null;
  },
  'kong.service.request.set_path': ({ exchange }, path) => {
    const text = stringArgument(path, 'path');
    if (!text.startsWith('/')) throw new LuaError('path must start with /');
    exchange.set.set('upstream_uri', escapePath(text));
    return null;
  },
  'kong.service.request.set_raw_query': ({ exchange }, query) => {
    exchange.query = stringArgument(query, 'query').replace(UNSAFE, percent);
    return null;
  },
  'kong.service.request.set_query': ({ exchange }, args) => {
    exchange.query = encodeArgs(headersTable(args));
    return null;
  },
  'kong.service.request.set_method': ({ exchange }, method) => {
    if (!METHODS.has(stringArgument(method, 'method'))) {
      throw new LuaError(`invalid method: ${luaText(method)}`);
    }
    exchange.method = stringArgument(method, 'method');
    return null;
  },
  'kong.service.request.set_header': (scope, name, value) => setHeader(scope, name, value),
  'kong.service.request.add_header': ({ exchange }, name, value) => {
    const field = stringArgument(name, 'header');
    checkHeaderValue(field, value);
    for (const text of headerTexts(value)) exchange.headers.add(field, text);
    return null;
  },
  'kong.service.request.clear_header': ({ exchange }, name) => {
    exchange.headers.clear(stringArgument(name, 'header'));
    return null;
  },
  'kong.service.request.set_headers': (scope, headers) => {
    for (const [name, value] of Object.entries(headersTable(headers))) setHeader(scope, name, value);
    return null;
  },
  'kong.service.request.set_raw_body': async ({ exchange }, body) => {
    await exchange.body.read();
    exchange.body.replace(Buffer.from(stringArgument(body, 'body'), 'latin1'));
    return null;
  },
  'kong.service.response.get_status': wrongPhase,
  'kong.service.response.get_headers': wrongPhase,
  'kong.service.response.get_header': wrongPhase,
  'kong.service.response.get_raw_body': wrongPhase,
  'kong.service.response.get_body': wrongPhase,
};

function setHeader({ exchange }: PdkScope, name: LuaValue, value: LuaValue): null {
  const field = stringArgument(name, 'header');
  checkHeaderValue(field, value);
  if (field.toLowerCase() === 'host') exchange.set.set('upstream_host', luaText(value));
  exchange.headers.set(field, headerTexts(value));
  return null;
}

function balancer(data: LuaTable | null): LuaTable {
  if (!data) throw new LuaError('attempt to index nil: balancer_data');
  return data;
}

function integer(value: LuaValue, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new LuaError(`${what} must be an integer`);
  return value;
}
