import type { Exchange } from './exchange';

/**
 * What nginx makes of a 200 that it does not proxy, where the request has conditions: it takes the answer for the
 * resource (ngx_http_not_modified_filter_module). A failed one would be 412, but Kong has hung up by then.
 */
export function precondition(exchange: Exchange): 'none' | 'not-modified' | 'failed' {
  const { headers } = exchange;
  const unmodifiedSince = headers.first('if-unmodified-since');
  if (unmodifiedSince !== null && !isUnmodified(exchange, unmodifiedSince)) return 'failed';
  const match = headers.first('if-match');
  if (match !== null && !isMatch(exchange, match, false)) return 'failed';
  const modifiedSince = headers.first('if-modified-since');
  const noneMatch = headers.first('if-none-match');
  if (modifiedSince === null && noneMatch === null) return 'none';
  if (modifiedSince !== null && isModified(exchange, modifiedSince)) return 'none';
  return noneMatch !== null && !isMatch(exchange, noneMatch, true) ? 'none' : 'not-modified';
}

/** The fields that nginx takes from a 200 when it makes a 304 of it. */
export const NOT_IN_NOT_MODIFIED = ['content-type', 'content-length', 'content-encoding', 'accept-ranges'];

function lastModifiedMs(exchange: Exchange): number {
  return Date.parse(exchange.responseHeaders.first('last-modified') ?? '');
}

function isUnmodified(exchange: Exchange, since: string): boolean {
  return lastModifiedMs(exchange) <= Date.parse(since);
}

/** `if_modified_since exact`, nginx's default: only the same date will do. */
function isModified(exchange: Exchange, since: string): boolean {
  return lastModifiedMs(exchange) !== Date.parse(since);
}

function isMatch(exchange: Exchange, list: string, isWeak: boolean): boolean {
  if (list === '*') return true;
  const etag = exchange.responseHeaders.first('etag');
  if (etag === null || (!isWeak && etag.startsWith('W/'))) return false;
  const opaque = (tag: string): string => (isWeak ? tag.trim().replace(/^W\//, '') : tag.trim());
  return list.split(',').some((tag) => opaque(tag) === opaque(etag));
}
