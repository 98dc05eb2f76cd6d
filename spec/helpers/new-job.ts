import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';

const MINUTE_MS = 60_000;

/** A job without a body that has one attempt and a minute for everything, for specs that have no plugin instance. */
export const newJob = (change: Partial<NewJob> = {}): NewJob => ({
  id: newJobId(),
  queue: 'q',
  owner: '',
  settingsHash: 's',
  request: { method: 'POST', path: '/', target: { scheme: 'http', host: 'h', port: 1 }, headers: [] },
  body: Buffer.alloc(0),
  repeatable: true,
  maxAttempts: 1,
  delayMs: 0,
  deadlineMs: MINUTE_MS,
  resultTtlMs: MINUTE_MS,
  openTtlMs: MINUTE_MS,
  ...change,
});
