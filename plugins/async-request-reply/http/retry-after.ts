// Reads `Retry-After` (RFC 9110, 10.2.3).
import { parseHttpDate } from './http-date';
import type { HeaderField } from './reply';

/** Used for a number of seconds that is too large to handle (RFC 9111, 1.2.2). */
const MAX_DELAY_SECONDS = 2 ** 31;

/**
 * Returns the milliseconds that `Retry-After` asks for, in seconds or as a date; undefined if the field is absent or
 * cannot be read. A date in the past is 0.
 */
export function retryAfterMs(fields: readonly HeaderField[], nowMs: number): number | undefined {
  const value = fields.find(([name]) => name.toLowerCase() === 'retry-after')?.[1].trim();
  if (value === undefined) {
    return undefined;
  }
  if (/^\d+$/.test(value)) {
    return Math.min(Number(value), MAX_DELAY_SECONDS) * 1000;
  }
  const date = parseHttpDate(value, nowMs);
  return date === undefined ? undefined : Math.max(0, date - nowMs);
}
