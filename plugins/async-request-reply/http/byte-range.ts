// Which bytes of a stored representation a request asks for (RFC 9110, 14). If it asks for several ranges, the whole is sent, as the
// RFC allows.
import parseRange from 'range-parser';
import { fieldValue } from './fields';
import type { HeaderField } from './reply';

export interface RangeRequest {
  readonly range: string;
  /** The value of `If-Range`; undefined if there is none. */
  readonly ifRange: string | undefined;
}

export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: ByteRange = { kind: 'whole' };

/** @param headers of the representation: `If-Range` is compared with its ETag or Last-Modified. */
export function byteRange(
  requested: RangeRequest,
  bytes: number,
  headers: readonly HeaderField[],
): ByteRange {
  if (requested.ifRange !== undefined && !isSame(requested.ifRange, headers)) {
    return WHOLE;
  }
  const range = requested.range.trim();
  const suffix = /^bytes\s*=\s*-\s*(\d+)$/i.exec(range)?.[1];
  if (suffix !== undefined && Number(suffix) >= bytes && bytes > 0) {
    return { kind: 'part', start: 0, end: bytes - 1 };
  }
  const parsed = parseRange(bytes, range);
  if (parsed === -2 || (parsed !== -1 && (parsed.type.toLowerCase() !== 'bytes' || parsed.length !== 1))) {
    return WHOLE; // A range that is not understood is ignored (RFC 9110, 14.2).
  }
  const [part] = parsed === -1 ? [] : parsed;
  return part === undefined ? { kind: 'unsatisfiable' } : { kind: 'part', start: part.start, end: part.end };
}

/** A strong comparison (RFC 9110, 13.1.5): a weak tag never matches. */
function isSame(condition: string, headers: readonly HeaderField[]): boolean {
  const wanted = condition.trim();
  const validator = wanted.startsWith('"') ? 'etag' : 'last-modified';
  return fieldValue(headers, validator)?.trim() === wanted;
}
