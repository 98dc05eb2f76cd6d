import { errorAnswer, errorPage } from './error-answer';
import type { Exchange, OwnAnswer } from './exchange';
import type { Route } from '../config/entities';
import { isResolvable } from './uri';

/** Fields that nginx takes once only. */
const UNIQUE = [
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'expect',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
];

/** nginx's `large_client_header_buffers`: four of 8 KiB, and no line in two of them. */
const LINE_BYTES = 8192;
const HEAD_BYTES = 4 * LINE_BYTES;

/** What nginx refuses before Kong sees it, or null. */
export function requestRefusal(exchange: Exchange): OwnAnswer | null {
  const status = refusedStatus(exchange);
  return status === null ? null : errorPage(exchange, status);
}

function refusedStatus(exchange: Exchange): number | null {
  const { headers, method, target, requestLine } = exchange;
  if (requestLine.length > LINE_BYTES) return 414;
  const isLong = [...headers].some(([name, value]) => name.length + value.length + 4 > LINE_BYTES);
  if (isLong || exchange.headLength > HEAD_BYTES) return 494;
  if (!target.startsWith('/') || !isResolvable(exchange.rawPath)) return 400;
  if (UNIQUE.some((name) => headers.all(name).length > 1)) return 400;
  if (headers.first('content-length') !== null && headers.first('transfer-encoding') !== null) return 400;
  const host = headers.first('host');
  if (host === null ? exchange.httpVersion === '1.1' : /[\s/\\]/.test(host)) return 400;
  return method === 'TRACE' ? 405 : null;
}

/** What Kong answers to a plain request on a route that is for https only, or null. */
export function httpsAnswer(exchange: Exchange, route: Route): OwnAnswer | null {
  if (route.protocols.includes('http') || !route.protocols.includes('https')) return null;
  const status = Number(route['https_redirect_status_code'] ?? 426);
  if (status === 426) {
    const headers = { Connection: 'Upgrade', Upgrade: 'TLS/1.2, HTTP/1.1' };
    return errorAnswer(exchange, 426, 'Please use HTTPS protocol', headers);
  }
  return { status, body: null, headers: { Location: `https://${exchange.host}${exchange.target}` } };
}
