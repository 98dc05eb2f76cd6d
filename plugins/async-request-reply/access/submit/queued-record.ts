// The record of a job as the accept has just written it.
import { RECORD_VERSION, type JobRecord } from '../../jobs/job-record';
import type { CreatedJob } from '../../accept/write-job';
import { requestBytes, submitMethod, type NewJob } from '../../jobs/new-job';

/**
 * @param createdAt by the clock of Redis, in milliseconds since 1970.
 * @param pausedMs how long its queue stays paused from then on. It counts into `notBefore`, which the client sees as `Retry-After`.
 */
export const queuedRecord = (
  job: NewJob,
  { createdAt, pausedMs }: Pick<CreatedJob, 'createdAt' | 'pausedMs'>,
): JobRecord => ({
  id: job.id,
  version: RECORD_VERSION,
  queue: job.queue,
  state: 'queued',
  method: submitMethod(job),
  owner: job.owner,
  attempts: 0,
  maxAttempts: job.maxAttempts,
  repeatable: job.repeatable,
  createdAt,
  startedAt: undefined,
  settledAt: undefined,
  deadlineAt: createdAt + job.deadlineMs,
  notBefore: createdAt + Math.max(job.delayMs, pausedMs),
  leaseUntil: 0,
  expiresAt: createdAt + job.openTtlMs,
  upstreamStatus: undefined,
  error: undefined,
  settingsHash: job.settingsHash,
  result: undefined,
  requestBytes: requestBytes(job),
  isDead: false,
  resultBytes: 0,
  deleteAfterRead: job.deleteAfterRead ?? false,
  readAt: undefined,
  hasCallback: job.callback !== undefined,
});
