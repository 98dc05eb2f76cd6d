import { luaText } from '../rpc/lua-value';
import type { Exchange } from './exchange';
import { connectionNames } from './connection-names';
import { hostField, type Peer } from './peer';
import type { BodySource } from './request-body';

/** Fields that nginx never takes over from the client: it sets them itself or they are about one connection. */
const SET_BY_NGINX = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-path',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-kong-request-id',
  'x-real-ip',
]);

/** The last changes before the request goes out (`access.after` in kong/runloop/handler.lua). */
export function finishUpstreamRequest(exchange: Exchange): void {
  const { set, headers, query, target } = exchange;
  if (target.endsWith('?') || query) {
    set.set('upstream_uri', `${luaText(set.get('upstream_uri'))}?${query ?? ''}`);
  }
  for (const name of connectionNames(headers.first('connection'))) {
    if (name !== 'upgrade' || set.get('upstream_connection') === 'keep-alive') headers.clear(name);
  }
  const te = headers.first('te');
  if (te?.split(',').some((item) => item.trim() === 'trailers')) set.set('upstream_te', 'trailers');
  headers.clear('proxy');
  headers.clear('proxy-connection');
}

/** The head of the request as nginx sends it: its own fields first, then what is left of the client's. */
export function upstreamHead(
  exchange: Exchange,
  peer: Peer,
  preservedHost: string,
  body: BodySource,
): string {
  const { set, headers, id, remoteAddress } = exchange;
  const own: [string, string | undefined][] = [
    ['TE', set.get('upstream_te')],
    ['Via', set.get('upstream_via')],
    ['Host', hostField(exchange, peer, preservedHost)],
    ['Upgrade', set.get('upstream_upgrade')],
    ['Connection', set.get('upstream_connection')],
    ['X-Forwarded-For', set.get('upstream_x_forwarded_for')],
    ['X-Forwarded-Proto', set.get('upstream_x_forwarded_proto')],
    ['X-Forwarded-Host', set.get('upstream_x_forwarded_host')],
    ['X-Forwarded-Port', set.get('upstream_x_forwarded_port')],
    ['X-Forwarded-Path', set.get('upstream_x_forwarded_path')],
    ['X-Forwarded-Prefix', set.get('upstream_x_forwarded_prefix')],
    ['X-Real-IP', remoteAddress],
    ['X-Kong-Request-Id', id],
    ['Content-Length', contentLength(exchange, body)],
    ['Transfer-Encoding', body.length === null ? 'chunked' : undefined],
  ];
  const fields = own.filter((field): field is [string, string] => field[1] !== undefined && field[1] !== '');
  const rest = [...headers].filter(([name]) => !SET_BY_NGINX.has(name.toLowerCase()));
  const lines = [...fields, ...rest].map(([name, value]) => `${name}: ${value}\r\n`);
  return `${exchange.method} ${luaText(set.get('upstream_uri'))} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** nginx sends a length where the client sent a body or said that there is none. */
function contentLength(exchange: Exchange, { length }: BodySource): string | undefined {
  const said = exchange.headers.first('content-length') ?? exchange.headers.first('transfer-encoding');
  return length === null || (said === null && length === 0) ? undefined : String(length);
}
