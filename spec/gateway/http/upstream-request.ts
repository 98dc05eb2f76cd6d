import { luaText } from '../rpc/lua-value';
import type { Upstream } from '../config/entities';
import type { Exchange } from './exchange';

/** Where one try goes. */
export interface Peer {
  host: string;
  port: number;
  /** What becomes the Host field, less its port. */
  hostname: string;
}

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
  if (target.endsWith('?') || query)
    set.set('upstream_uri', `${set.get('upstream_uri') ?? ''}?${query ?? ''}`);
  for (const name of connectionNames(headers.first('connection'))) {
    if (name !== 'upgrade' || set.get('upstream_connection') === 'keep-alive') headers.clear(name);
  }
  const te = headers.first('te');
  if (te !== null && te.split(',').some((item) => item.trim() === 'trailers'))
    set.set('upstream_te', 'trailers');
  headers.clear('proxy');
  headers.clear('proxy-connection');
}

/** What a Connection field names; Kong leaves the three usual values alone. */
export function connectionNames(value: string | null): string[] {
  if (value === null || value === 'keep-alive' || value === 'close' || value === 'upgrade') return [];
  return value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

/** Picks the peer of a try: a declared upstream's targets in turn, or the host as it is. */
export function choosePeer(
  exchange: Exchange,
  upstreams: Map<string, Upstream>,
  turn: () => number,
): Peer | null {
  const data = exchange.context.balancer_data;
  const host = luaText(data?.['host']);
  const port = Number(data?.['port'] ?? 80);
  const upstream = data?.['type'] === 'name' ? upstreams.get(host) : undefined;
  if (!upstream) return { host, port, hostname: host };
  const target = upstream.targets[turn() % Math.max(1, upstream.targets.length)];
  return target ? { ...target, hostname: upstream.hostHeader ?? target.host } : null;
}

/** The Host field: preserved, or the peer's with its port unless that is the scheme's own. */
export function hostField(exchange: Exchange, peer: Peer, preserved: string): string {
  if (preserved !== '') return preserved;
  const scheme = exchange.set.get('upstream_scheme');
  const isDefault = (peer.port === 80 && scheme === 'http') || (peer.port === 443 && scheme === 'https');
  return isDefault ? peer.hostname : `${peer.hostname}:${peer.port}`;
}

/** Header fields as nginx sends them: its own first, then what is left of the client's. */
export function upstreamHeaders(exchange: Exchange, host: string, body: Buffer): string[] {
  const { set, headers, id, remoteAddress } = exchange;
  const own: [string, string | undefined][] = [
    ['TE', set.get('upstream_te')],
    ['Via', set.get('upstream_via')],
    ['Host', host],
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
  ];
  const fields = own.filter((field): field is [string, string] => field[1] !== undefined && field[1] !== '');
  for (const [name, value] of headers) {
    if (!SET_BY_NGINX.has(name.toLowerCase())) fields.push([name, value]);
  }
  return fields.flat();
}

/** nginx sends a length where the client sent a body or said that there is none. */
function contentLength(exchange: Exchange, body: Buffer): string | undefined {
  const said = exchange.headers.first('content-length') ?? exchange.headers.first('transfer-encoding');
  return said === null && body.length === 0 ? undefined : String(body.length);
}
