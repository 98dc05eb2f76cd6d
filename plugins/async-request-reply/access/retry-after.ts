// When the next poll makes sense: the `Retry-After` of a pending job.
import { isSettled, type JobRecord } from '../jobs/job-record';
import type { QueueProgress } from '../queue/queue-outcomes';

/** The longest estimate. */
const MAX_GUESS_SECONDS = 300;

/**
 * Seconds until a poll makes sense.
 *
 * A job that may not start yet, or whose queue is paused, gets the exact time. For a job that waits in its queue the time is an
 * estimate: how long the jobs ahead of it take at the pace of the queue since the job was accepted. The estimate is at most the
 * time that the job has waited already, since the pace of one second says little about the next minute.
 *
 * @param baseSeconds the route's `retry_after_seconds`, which is the minimum.
 * @param progress undefined if it is not known.
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
