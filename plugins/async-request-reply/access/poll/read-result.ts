// Reads the stored response of a job. If it cannot be read, the error is a problem of its own, and the response stays stored.
import { AsyncError } from '../../errors/async-error';
import type { ResponseHead } from '../../http/upstream-request';
import type { AccessStore } from '../../accept/access-store';
import { KeyMissingError, PayloadAlteredError, PayloadLostError } from '../../payloads/payload-errors';
import type { StoredPayload } from '../../payloads/payload-reader';
import type { RouteSettings } from '../route/route-settings';

/** Long enough for a gateway that is about to receive the key. */
const RETRY_AFTER_SECONDS = 5;

/**
 * @returns undefined if the response is no longer stored.
 * @throws AsyncError `key-missing` or `result-unreadable`, or what the store throws.
 */
export const readResult = (
  id: string,
  result: string,
  { keys }: Pick<RouteSettings, 'keys'>,
  store: AccessStore,
): Promise<StoredPayload<ResponseHead> | undefined> =>
  readable(id, () => store.read((jobs) => jobs.payloads.readResponse(id, result, keys)));

/** Runs a read of a job's result. @throws AsyncError `key-missing` or `result-unreadable` if it cannot be read. */
export async function readable<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = problemOf(error);
    throw problem === undefined ? error : problem.withJobId(id);
  }
}

/** For callers that can do without the result. @throws every other error. */
export function unlessUnreadable(error: unknown): undefined {
  if (!(
    error instanceof AsyncError &&
    (error.code === 'key-missing' || error.code === 'result-unreadable')
  )) {
    throw error;
  }
}

function problemOf(cause: unknown): AsyncError | undefined {
  if (cause instanceof KeyMissingError) {
    return new AsyncError('key-missing', {
      detail: 'The stored result is encrypted, and this gateway does not have its key. The result is kept.',
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause,
    });
  }
  if (cause instanceof PayloadAlteredError) {
    const detail = 'The stored result cannot be decrypted: it differs from what was stored.';
    return new AsyncError('result-unreadable', { detail, cause });
  }
  return cause instanceof PayloadLostError
    ? new AsyncError('result-unreadable', { detail: 'A part of the stored result is missing.', cause })
    : undefined;
}
