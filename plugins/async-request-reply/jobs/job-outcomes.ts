// What the scripts on a record answer, as TypeScript reads it.
import type { JobError, JobRecord, JobState, SettledState } from './job-record';

/** `duplicate`: a record, or the tombstone of a submit that was given up, has this ID. `too-late`: nothing was written. */
export type CreateOutcome =
  { kind: 'created'; createdAt: number; deadlineAt: number } | { kind: 'duplicate' | 'too-late' };

/** What a queue has to know of a job that has settled. */
export interface SettledSummary {
  readonly state: SettledState;
  readonly owner: string;
  /** A dead letter: it keeps its request and can be redriven. */
  readonly dead: boolean;
  readonly expiresAt: number;
  /** Of the bodies that stay stored for so long. */
  readonly bytes: number;
}

export type AdvanceOutcome =
  | { kind: 'missing' | 'newer' }
  /** It had settled before. */
  | ({ kind: 'already-settled' } & SettledSummary)
  /** This call settled it: deadline, attempts used up, or its worker lost. */
  | ({ kind: 'settled-now' } & SettledSummary)
  /** Another attempt's lease, or the delay before the next attempt, has `ms` to go. */
  | { kind: 'leased-elsewhere' | 'not-due'; ms: number }
  | { kind: 'open' }
  /** The lease is taken; `lifeMs` is what is left of the record's life. */
  | { kind: 'leased'; record: JobRecord; run: string; lifeMs: number };

/** How an attempt ended. `result` names a response stored by `JobPayloads.writeResponse`. */
export interface AttemptEnd {
  /** `release`: no call was made, or it was ended from here; it does not count as an attempt. */
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
  /** With `retry`, where the upstream was not reached: how many such attempts a run may have. They use up no other. */
  readonly connectAttempts?: number;
  /** With `retry` and `release`. */
  readonly delayMs?: number;
}

export type SettleOutcome =
  | ({ kind: 'settled-now' } & SettledSummary)
  | { kind: 'retrying'; delayMs: number }
  /** The lease went to another: nothing was written. */
  | { kind: 'lost' };

export type CancelOutcome =
  | ({ kind: 'settled-now' } & SettledSummary)
  | { kind: 'cancelling' | 'missing' }
  | { kind: 'already-settled'; state: SettledState };

/** `kept`: it has begun, or a repeat of its request has been told of it. */
export type RollbackOutcome = CancelOutcome | { kind: 'kept' };

export type RedriveOutcome =
  | { kind: 'redriven'; queue: string; owner: string; deadlineMs: number; openTtlMs: number }
  | { kind: 'not-dead'; state: JobState }
  | { kind: 'missing' };

/** What became of a job that was to be removed with all that is stored beside it. */
export type PurgeOutcome =
  | { kind: 'purged'; queue: string; owner: string }
  | { kind: 'open'; state: JobState }
  | { kind: 'missing' | 'newer' };

/** How long a run of a job may take: fixed at accept, the same for each redrive. */
export interface RunLimits {
  readonly deadlineMs: number;
  readonly openTtlMs: number;
  /** The idempotency key that names the job: it is kept as long as the job is open. */
  readonly claimKey: string | undefined;
}

export type RenewOutcome = 'renewed' | 'cancel' | 'lost';
