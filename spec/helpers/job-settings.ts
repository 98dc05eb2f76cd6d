import type { JobSettings } from '../../plugins/async-request-reply/jobs/job-settings';

/** Settings of a job for specs that have no plugin instance. */
export const JOB_SETTINGS: Omit<JobSettings, 'queue'> = {
  version: 1,
  concurrency: 4,
  rateMax: 0,
  ratePerMs: 0,
  breakerFailures: 0,
  breakerOpenMs: 1000,
  connectTimeoutMs: 1000,
  attemptTimeoutMs: 10_000,
  tlsVerify: true,
  caCertificates: [],
  maxResponseBytes: 1_000_000,
  maxHeadBytes: 16_384,
  maxHandoffHeadBytes: 4096,
  retryStatuses: [500, 503],
  backoffMs: 1,
  maxBackoffMs: 1,
  connectAttempts: 10,
  maxPauseMs: 300_000,
};
