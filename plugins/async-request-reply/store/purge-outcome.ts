import type { JobState } from '../jobs/job-record';

/** What became of a job that was to be removed with all that is stored beside it. */
export type PurgeOutcome =
  | { kind: 'purged'; queue: string; owner: string }
  | { kind: 'open'; state: JobState }
  | { kind: 'missing' | 'newer' };
