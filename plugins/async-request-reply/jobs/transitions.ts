// The life of a job as a table: which event leads from which state to which. The Lua scripts get this table (jobs/script-libraries.ts)
// and change a state only by it. spec/unit/jobs explores it exhaustively, with crashes between any two writes.
import type { JobState } from './job-record';

export type JobEvent =
  /** A worker takes the lease. */
  | 'start'
  /** The job ends with the response, or the failure, of the attempt. */
  | 'complete'
  | 'fail'
  /** Another attempt follows. */
  | 'retry'
  /** The lease has expired, and the call may be repeated. */
  | 'lose'
  | 'cancel'
  /** The deadline has passed before the first attempt. */
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
  // `expire`: the attempt was released before any call, by the breaker or a shutdown.
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
