// The only place where an error becomes an HTTP response (RFC 9457).
import type { HeaderField, ShortReply } from '../http/reply';
import type { AsyncError } from './async-error';
import { PROBLEMS, problemType } from './problem-catalog';

/**
 * The problem+json reply for an error.
 *
 * @param error its message becomes `detail`, so that it must not contain anything internal.
 * @param headers further header fields, `Cache-Control` among them.
 */
export function problemReply(error: AsyncError, headers: readonly HeaderField[]): ShortReply {
  const body = {
    type: problemType(error.code),
    title: PROBLEMS[error.code].title,
    status: error.status,
    detail: error.message,
    ...error.extension,
  };
  const fields: HeaderField[] = [['Content-Type', 'application/problem+json'], ...error.headers, ...headers];
  if (error.retryAfterSeconds !== undefined) {
    fields.push(['Retry-After', String(error.retryAfterSeconds)]);
  }
  return { status: error.status, headers: fields, body: Buffer.from(JSON.stringify(body)) };
}
