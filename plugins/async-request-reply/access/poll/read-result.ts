// Reads a job's stored response. One that cannot be read is a problem of its own, and stays where it is.
import { AsyncError } from '../../errors/async-error';
import { KnownJobError } from '../../errors/known-job-error';
import type { ResponseHead } from '../../http/upstream-request';
import type { AccessStore } from '../../accept/access-store';
import { KeyMissingError, PayloadAlteredError, PayloadLostError } from '../../payloads/payload-errors';
import type { StoredPayload } from '../../payloads/payload-reader';
import type { RouteSettings } from '../route/route-settings';

/** A gateway that is about to get the key has it by then. */
const RETRY_AFTER_SECONDS = 5;

/**
 * @returns undefined where it is gone.
 * @throws AsyncError `key-missing` or `result-unreadable`, or what the store throws.
 */
export const readResult = (
  id: string,
  result: string,
  { keys }: Pick<RouteSettings, 'keys'>,
  store: AccessStore,
): Promise<StoredPayload<ResponseHead> | undefined> =>
  readable(id, () => store.read((jobs) => jobs.payloads.readResponse(id, result, keys)));

/** What `work` reads of a job's result. @throws AsyncError `key-missing` or `result-unreadable` where it cannot. */
export async function readable<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = problemOf(error);
    throw problem === undefined ? error : new KnownJobError(problem, id);
  }
}

/** For whoever can do without the result. @throws whatever else `error` is. */
export function unlessUnreadable(error: unknown): undefined {
  if (!(error instanceof KnownJobError)) {
    throw error;
  }
}

function problemOf(cause: unknown): AsyncError | undefined {
  if (cause instanceof KeyMissingError) {
    return new AsyncError('key-missing', {
      detail: 'The result is stored encrypted, and this gateway does not have its key. It is kept.',
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause,
    });
  }
  if (cause instanceof PayloadAlteredError) {
    const detail = 'The stored result cannot be decrypted: it is not what was stored.';
    return new AsyncError('result-unreadable', { detail, cause });
  }
  return cause instanceof PayloadLostError
    ? new AsyncError('result-unreadable', { detail: 'A part of the stored result is gone.', cause })
    : undefined;
}
