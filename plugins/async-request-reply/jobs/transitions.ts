// The life of a job as a table: which event takes it from which state to which. The Lua scripts get this very table
// (redis/scripts.ts) and change a state by it alone; spec/unit/jobs explores it exhaustively with crashes between
// any two writes.
import type { JobState } from './job-record';

export type JobEvent =
  /** A worker takes the lease. */
  | 'start'
  /** The attempt's response, or its failure, is the job's end. */
  | 'complete'
  | 'fail'
  /** Another attempt is to come. */
  | 'retry'
  /** The lease ran out and the call may be repeated. */
  | 'lose'
  | 'cancel'
  /** The deadline passed before the first attempt. */
  | 'expire'
  /** A dead letter gets a new run. */
  | 'redrive';

export const TRANSITIONS: Readonly<Record<JobState, Readonly<Partial<Record<JobEvent, JobState>>>>> = {
  queued: { start: 'running', cancel: 'cancelled', expire: 'expired' },
  running: {
    complete: 'completed',
    fail: 'failed',
    retry: 'retrying',
    lose: 'retrying',
    cancel: 'cancelled',
  },
  // `expire`: it was given back before any call, by the breaker or a shutdown.
  retrying: {
    start: 'running',
    complete: 'completed',
    fail: 'failed',
    cancel: 'cancelled',
    expire: 'expired',
  },
  completed: { redrive: 'queued' },
  failed: { redrive: 'queued' },
  cancelled: {},
  expired: {},
};
