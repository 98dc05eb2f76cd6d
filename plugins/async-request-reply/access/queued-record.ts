// The record of a job as its submit has just written it.
import { RECORD_VERSION, type JobRecord } from '../jobs/job-record';
import { requestBytes, type NewJob } from '../store/new-job';

/** @param createdAt by the clock of Redis, in milliseconds since 1970. */
export const queuedRecord = (job: NewJob, createdAt: number): JobRecord => ({
  id: job.id,
  version: RECORD_VERSION,
  queue: job.queue,
  state: 'queued',
  method: job.request.method,
  owner: job.owner,
  attempts: 0,
  maxAttempts: job.maxAttempts,
  repeatable: job.repeatable,
  createdAt,
  startedAt: undefined,
  settledAt: undefined,
  deadlineAt: createdAt + job.deadlineMs,
  notBefore: createdAt + job.delayMs,
  expiresAt: createdAt + job.openTtlMs,
  upstreamStatus: undefined,
  error: undefined,
  settingsHash: job.settingsHash,
  result: undefined,
  requestBytes: requestBytes(job),
  isDead: false,
  resultBytes: 0,
  singleRead: job.singleRead ?? false,
  readAt: undefined,
  hasCallback: job.callback !== undefined,
});
