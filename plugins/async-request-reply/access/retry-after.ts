// When a poll makes sense again: what `Retry-After` of a pending job says.
import { isSettled, type JobRecord } from '../jobs/job-record';
import type { QueueProgress } from '../queue/queue-outcomes';

/** No client is sent away for longer by a guess. */
const MAX_GUESS_SECONDS = 300;

/**
 * Seconds until a poll makes sense.
 *
 * A job that may not start yet, or whose queue is held, is told to the second. For one that waits its turn it is what those before it will take at
 * the pace that the queue has had in the job's own time, but never longer than the job has waited already: a pace seen for
 * a second says little about the next minute.
 *
 * @param baseSeconds the route's `retry_after_seconds`: never less.
 * @param progress undefined where it is not known.
 */
export function retryAfterSeconds(
  job: JobRecord,
  baseSeconds: number,
  progress: QueueProgress | undefined,
  nowMs: number,
): number {
  const early = Math.ceil(Math.max(job.notBefore - nowMs, progress?.pausedMs ?? 0) / 1000);
  if (early > 0 && !isSettled(job.state) && job.state !== 'running') {
    return Math.max(baseSeconds, early);
  }
  if (progress?.position === undefined || progress.settled === 0) {
    return baseSeconds;
  }
  const ahead = progress.position - 1;
  const guess = Math.ceil((ahead * progress.windowMs) / progress.settled / 1000);
  const waited = Math.floor((nowMs - job.createdAt) / 1000);
  return Math.max(baseSeconds, Math.min(guess, waited, MAX_GUESS_SECONDS));
}
