import type { Exchange } from './exchange';
import type { HeaderList } from './header-list';
import { REASONS } from './nginx-status';

/** nginx's default `charset_types`; Kong sets `charset UTF-8`. */
const CHARSET_TYPES = new Set([
  'text/html',
  'text/xml',
  'text/plain',
  'text/vnd.wap.wml',
  'application/javascript',
  'application/rss+xml',
]);

/** Writes the head as nginx does, with a charset for some types and its own Connection. */
export function writeHead(exchange: Exchange, status: number, reason?: string): void {
  const { response, responseHeaders } = exchange;
  const type = responseHeaders.first('content-type');
  if (type !== null) responseHeaders.set('Content-Type', type);
  addCharset(responseHeaders, status);
  const lines = ['Connection', response.shouldKeepAlive ? 'keep-alive' : 'close'];
  response.sendDate = false;
  response.writeHead(status, reason ?? REASONS[status] ?? '', [...lines, ...responseHeaders.toRaw()]);
}

/** Sends a whole response, as much body as there is whatever Content-Length says; one too large ends the connection. */
export function writeResponse(exchange: Exchange, status: number, body: Buffer): void {
  const { response, responseHeaders } = exchange;
  if (response.destroyed || response.headersSent) return;
  const declared = Number(responseHeaders.first('content-length') ?? body.length);
  if (declared > body.length && exchange.method !== 'HEAD') response.shouldKeepAlive = false;
  if (responseHeaders.first('date') === null) responseHeaders.set('Date', new Date().toUTCString());
  if (status === 204) responseHeaders.clear('content-type');
  exchange.body.sayContinue();
  writeHead(exchange, status);
  const hasContent = exchange.method !== 'HEAD' && status !== 204 && status !== 304;
  response.end(hasContent ? body : undefined);
}

function addCharset(headers: HeaderList, status: number): void {
  const type = headers.first('content-type');
  if (type === null || status === 301 || status === 302) return;
  if (CHARSET_TYPES.has(type.toLowerCase())) headers.set('Content-Type', `${type}; charset=UTF-8`);
}
