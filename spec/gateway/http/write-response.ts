import http from 'node:http';
import type { Exchange } from './exchange';
import type { HeaderList } from './header-list';

/** nginx's default `charset_types`; Kong sets `charset UTF-8`. */
const CHARSET_TYPES = new Set([
  'text/html',
  'text/xml',
  'text/plain',
  'text/vnd.wap.wml',
  'application/javascript',
  'application/rss+xml',
]);

/** Writes the head as nginx does: charset, Date, Connection; 204 and 304 have no content, 204 no type either. */
export function writeHead(exchange: Exchange, status: number, reason?: string): void {
  const { response, responseHeaders } = exchange;
  if (status === 204) responseHeaders.clear('content-type');
  addCharset(responseHeaders, status);
  const lines: string[] = [];
  if (responseHeaders.first('date') === null) lines.push('Date', new Date().toUTCString());
  lines.push('Connection', response.shouldKeepAlive ? 'keep-alive' : 'close');
  response.sendDate = false;
  response.writeHead(status, reason ?? http.STATUS_CODES[status] ?? '', [
    ...lines,
    ...responseHeaders.toRaw(),
  ]);
}

/** Sends a whole response; a Content-Length that is too small cuts the body, one too large ends the connection. */
export function writeResponse(exchange: Exchange, status: number, body: Buffer): void {
  const { response, responseHeaders } = exchange;
  if (response.destroyed || response.headersSent) return;
  const declared = Number(responseHeaders.first('content-length') ?? body.length);
  if (declared > body.length && exchange.method !== 'HEAD') response.shouldKeepAlive = false;
  writeHead(exchange, status);
  const hasContent = exchange.method !== 'HEAD' && status !== 204 && status !== 304;
  response.end(hasContent ? body.subarray(0, declared) : undefined);
}

function addCharset(headers: HeaderList, status: number): void {
  const type = headers.first('content-type');
  if (type === null || status === 301 || status === 302) return;
  if (CHARSET_TYPES.has(type.toLowerCase())) headers.set('Content-Type', `${type}; charset=UTF-8`);
}
