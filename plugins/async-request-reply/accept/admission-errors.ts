// The errors for a job that its queue has no slot, or no room, for.
import { AsyncError } from '../errors/async-error';
import type { SlotOutcome } from '../queue/queue-outcomes';

/** Part of the limit that should be free before a rejected client tries again. */
const DRAINED_PART = 0.1;

const MAX_RETRY_AFTER_SECONDS = 300;

const CALLER_RETRY_AFTER_SECONDS = 5;

/** Jobs that settle release bytes too, at an unknown time: a client may try again before the first bytes expire. */
const MAX_BYTES_RETRY_AFTER_SECONDS = 60;

/**
 * @param maxWaiting the limit; Retry-After is computed from it and from the rate at which jobs settled in the last minute.
 * @returns `too-many-jobs` or `queue-full`, with Retry-After.
 */
export function slotError(slot: Exclude<SlotOutcome, { kind: 'reserved' }>, maxWaiting: number): AsyncError {
  if (slot.kind === 'caller-full') {
    return new AsyncError('too-many-jobs', {
      detail: 'You have as many unsettled jobs as this route allows. Wait until some of them have settled.',
      retryAfterSeconds: CALLER_RETRY_AFTER_SECONDS,
    });
  }
  if (slot.kind === 'bytes-full') {
    return storageError(slot.expiresInMs);
  }
  const perSecond = slot.settledPerMinute / 60;
  const seconds = Math.ceil((maxWaiting * DRAINED_PART) / perSecond);
  return new AsyncError('queue-full', {
    detail: 'The queue has as many waiting jobs as it takes. Nothing was accepted; try again later.',
    retryAfterSeconds: Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS),
  });
}

/**
 * Returns the error for a queue that stores as many bytes as it may.
 *
 * @param expiresInMs time until some of them expire.
 */
export const storageError = (expiresInMs: number): AsyncError =>
  new AsyncError('queue-full', {
    detail:
      'The requests and results that are stored for the queue have as many bytes as it takes, however few its jobs are. ' +
      'Nothing was accepted; try again later.',
    retryAfterSeconds: Math.min(Math.max(Math.ceil(expiresInMs / 1000), 1), MAX_BYTES_RETRY_AFTER_SECONDS),
  });
