import os from 'node:os';
import type { Exchange } from './exchange';
import type { NginxMap } from './nginx-include';
import { normalizePath } from './uri';

/** Variables that the template declares by `set`: empty until Kong fills them. */
const DECLARED = new Set([
  'ctx_ref',
  'upstream_te',
  'upstream_via',
  'upstream_host',
  'upstream_upgrade',
  'upstream_connection',
  'upstream_scheme',
  'upstream_uri',
  'upstream_x_forwarded_for',
  'upstream_x_forwarded_proto',
  'upstream_x_forwarded_host',
  'upstream_x_forwarded_port',
  'upstream_x_forwarded_path',
  'upstream_x_forwarded_prefix',
]);

const COMPUTED: Record<string, (exchange: Exchange) => string | null> = {
  args: (x) => x.query || null,
  query_string: (x) => x.query || null,
  is_args: (x) => (x.query ? '?' : ''),
  request: (x) => x.requestLine,
  request_uri: (x) => x.target,
  request_method: (x) => x.method,
  request_length: (x) => String(x.headLength),
  request_id: (x) => x.id,
  kong_request_id: (x) => x.id,
  kong_proxy_mode: proxyMode,
  request_time: (x) => ((Date.now() - x.startedAtMs) / 1000).toFixed(3),
  uri: (x) => normalizePath(percentDecode(x.rawPath), true),
  document_uri: (x) => normalizePath(percentDecode(x.rawPath), true),
  scheme: () => 'http',
  https: () => '',
  host: (x) => x.host,
  hostname: () => os.hostname(),
  server_name: () => 'kong',
  server_protocol: (x) => `HTTP/${x.httpVersion}`,
  server_addr: (x) => (x.incoming.socket.localAddress ?? '').replace(/^::ffff:/, ''),
  server_port: (x) => String(x.serverPort),
  remote_addr: (x) => x.remoteAddress,
  realip_remote_addr: (x) => x.peerAddress,
  remote_port: (x) => String(x.incoming.socket.remotePort ?? ''),
  realip_remote_port: (x) => String(x.incoming.socket.remotePort ?? ''),
  content_length: contentLength,
  content_type: (x) => x.headers.first('content-type'),
  connection_requests: () => '1',
  status: () => '000',
  body_bytes_sent: () => '0',
  bytes_sent: () => '0',
  request_completion: () => '',
  pipe: () => '.',
  msec: () => (Date.now() / 1000).toFixed(3),
  time_iso8601: () => `${new Date().toISOString().slice(0, 19)}+00:00`,
  pid: () => String(process.pid),
  nginx_version: () => '1.25.3',
};

/** nginx variables of one request, by name without the dollar sign; null is a variable that is not there. */
export function nginxVariable(exchange: Exchange, maps: Map<string, NginxMap>, name: string): string | null {
  const key = name.toLowerCase();
  if (DECLARED.has(key)) return exchange.set.get(key) ?? '';
  const map = maps.get(key);
  if (map) return mapValue(exchange, maps, map);
  if (Object.hasOwn(COMPUTED, key)) return COMPUTED[key]?.(exchange) ?? null;
  if (key.startsWith('http_')) return joined(exchange, key.slice(5));
  if (key.startsWith('arg_')) return argument(exchange.query ?? '', key.slice(4));
  if (key.startsWith('cookie_')) return cookie(exchange, name.slice(7));
  return null;
}

function mapValue(exchange: Exchange, maps: Map<string, NginxMap>, map: NginxMap): string {
  const interpolate = (template: string): string =>
    template.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_whole, braced?: string, bare?: string) => {
      return nginxVariable(exchange, maps, braced ?? bare ?? '') ?? '';
    });
  const source = interpolate(map.source);
  const rule = map.rules.find(({ pattern }) =>
    pattern.startsWith('~')
      ? new RegExp(pattern.replace(/^~\*?/, ''), pattern.startsWith('~*') ? 'i' : '').test(source)
      : pattern.toLowerCase() === source.toLowerCase(),
  );
  return interpolate(rule?.value ?? map.defaultValue);
}

/** `$http_name`: underscores stand for dashes, several fields are joined; cookies by a semicolon. */
function joined(exchange: Exchange, name: string): string | null {
  const values = [...exchange.headers]
    .filter(([field]) => field.toLowerCase().replaceAll('-', '_') === name)
    .map(([, value]) => value);
  return values.length === 0 ? null : values.join(name === 'cookie' ? '; ' : ', ');
}

function argument(query: string, name: string): string | null {
  for (const part of query.split('&')) {
    const [key = '', ...value] = part.split('=');
    if (key.toLowerCase() === name && value.length > 0) return value.join('=');
  }
  return null;
}

function cookie(exchange: Exchange, name: string): string | null {
  for (const part of (joined(exchange, 'cookie') ?? '').split(/;\s*/)) {
    if (part.startsWith(`${name}=`)) return part.slice(name.length + 1);
  }
  return null;
}

/** A route without buffering has a location of its own. */
function proxyMode({ context: { route, service } }: Exchange): string {
  const isBuffered = route?.['request_buffering'] !== false && route?.['response_buffering'] !== false;
  return isBuffered || !service ? 'http' : 'unbuffered';
}

/** nginx keeps what it found when it was first asked: of a chunked body nothing, until the body is read. */
function contentLength(exchange: Exchange): string | null {
  const { headers, body, remembered } = exchange;
  const known = remembered.get('content_length');
  if (known !== undefined) return known;
  const read = headers.first('transfer-encoding') === null ? null : body.readLength;
  const value = headers.first('content-length') ?? (read === null ? null : String(read));
  remembered.set('content_length', value);
  return value;
}

function percentDecode(path: string): string {
  return path.replace(/%([\dA-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
