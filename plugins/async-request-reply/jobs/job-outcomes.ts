// What the scripts on a record return, as TypeScript reads it (jobs/job-scripts.ts).
import type { JobError, JobRecord, JobState, SettledState } from './job-record';

/** `duplicate`: a record, or the tombstone of a submit that was rolled back, has this ID. `too-late`: nothing was written. */
export type CreateOutcome =
  { kind: 'created'; createdAt: number; deadlineAt: number } | { kind: 'duplicate' | 'too-late' };

/** What the queue needs to know of a job that has settled. */
export interface SettledSummary {
  readonly state: SettledState;
  readonly owner: string;
  /** A dead letter: it keeps its request and can be redriven. */
  readonly dead: boolean;
  readonly expiresAt: number;
  /** Of the bodies that are stored until then. */
  readonly bytes: number;
}

export type AdvanceOutcome =
  | { kind: 'missing' | 'newer' }
  /** The job had settled before. */
  | ({ kind: 'already-settled' } & SettledSummary)
  /** This call has settled the job: its deadline has passed, its attempts are used up, or its worker was lost. */
  | ({ kind: 'settled-now' } & SettledSummary)
  /** The lease of another attempt, or the delay before the next one, ends in `ms`. */
  | { kind: 'leased-elsewhere' | 'not-due'; ms: number }
  | { kind: 'open' }
  /** The lease is taken. `lifeMs` is what is left of the record's life. */
  | { kind: 'leased'; record: JobRecord; run: string; lifeMs: number };

/** How an attempt ended. `result` names a response stored by `JobPayloads.writeResponse`. */
export interface AttemptEnd {
  /** `release`: no call was made, or this process ended it. It does not count as an attempt. */
  readonly outcome: 'completed' | 'failed' | 'retry' | 'release';
  readonly result?: string;
  /** Length of its body. */
  readonly resultBytes?: number;
  readonly upstreamStatus?: number;
  readonly error?: JobError;
  /** With `completed`: a dead letter, which keeps its request. */
  readonly keepRequest?: boolean;
  /** With `release`: a call was made, and may have arrived. */
  readonly called?: boolean;
  /** With `retry`, if the upstream was not reached: how many such attempts a run may have. They are not counted as other attempts. */
  readonly connectAttempts?: number;
  /** With `retry` and `release`. */
  readonly delayMs?: number;
}

export type SettleOutcome =
  | ({ kind: 'settled-now' } & SettledSummary)
  | { kind: 'retrying'; delayMs: number }
  /** Another attempt has the lease: nothing was written. */
  | { kind: 'lost' };

export type CancelOutcome =
  | ({ kind: 'settled-now' } & SettledSummary)
  | { kind: 'cancelling' | 'missing' }
  | { kind: 'already-settled'; state: SettledState };

/** `kept`: the job has begun, or a repeat of its request was answered with it. */
export type RollbackOutcome = CancelOutcome | { kind: 'kept' };

export type RedriveOutcome =
  | { kind: 'redriven'; queue: string; owner: string; deadlineMs: number; openTtlMs: number }
  | { kind: 'not-dead'; state: JobState }
  | { kind: 'missing' };

/** What became of a job that was to be purged. */
export type PurgeOutcome =
  | { kind: 'purged'; queue: string; owner: string }
  | { kind: 'open'; state: JobState }
  | { kind: 'missing' | 'newer' };

/** How long a run of a job may take. The accept decides, and each redrive gets the same. */
export interface RunLimits {
  readonly deadlineMs: number;
  readonly openTtlMs: number;
  /** The claim of the job's idempotency key, which is kept as long as the job is open. */
  readonly claimKey: string | undefined;
}

export type RenewOutcome = 'renewed' | 'cancel' | 'lost';
