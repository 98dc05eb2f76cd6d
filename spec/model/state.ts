// One job and everybody who has a hand in it, between any two writes.
import type { ModelRecord, JobKind, Transitions } from './record';
import type { RedriveStep, Rules } from './rules';

/** Where a worker is in the run of a job (worker/run-job.ts): the write that it does next. */
type WorkerAt =
  | 'idle'
  | 'start'
  | 'free'
  | 'call'
  /** The call is in flight. */
  | 'calling'
  | 'store'
  | 'settle'
  | 'remove-job'
  | 'finish'
  | 'again';

/** What the attempt came to; `kept` is `completed` with a status to retry, `retry-with` a retry that has a response, and
 * `release-called` gives back a job whose call was ended from here. */
export type AttemptOutcome =
  '' | 'completed' | 'kept' | 'failed' | 'retry' | 'retry-with' | 'release' | 'release-called';

export interface Worker {
  readonly at: WorkerAt;
  /** Run and attempt of its lease, 0 without one. */
  readonly run: number;
  readonly attempt: number;
  /** Why the lease ended, as lease.ts has it. */
  readonly end: '' | 'lost' | 'cancelled' | 'draining';
  readonly outcome: AttemptOutcome;
  /** What it knows of a job that has settled. */
  readonly left: SettledSummary | undefined;
  readonly stopped: boolean;
  /** It was stopped during this run and continued later. */
  readonly wasStopped: boolean;
}

export interface SettledSummary {
  readonly run: number;
  readonly dead: boolean;
}

/** The sweep's leader, between its looks and its writes. */
type SweepAt =
  | { readonly at: 'idle' | 'remove' | 'schedule' }
  | { readonly at: 'remove-job'; readonly left: SettledSummary; readonly removes: boolean };

export interface State {
  readonly record: ModelRecord | undefined;
  /** The request before there is a record: without its TTL at first. */
  readonly payload: 'none' | 'without-ttl' | 'stored';
  /** The sorted sets of the queue. */
  readonly slot: 'none' | 'provisional' | 'kept';
  readonly open: boolean;
  /** The run whose removal no longer changes anything, 0 for none. */
  readonly fence: number;
  readonly deadList: boolean;
  /** What BullMQ has; `orphan` is active with a worker that is gone. */
  readonly bull: 'none' | 'waiting' | 'delayed' | 'active0' | 'active1' | 'orphan';
  /** The start time that the caller requested: still to come, or nothing to wait for. */
  readonly asked: 'none' | 'pending';
  /** The submit: writes that are still to be done; `cut` where its process or its connection is gone. */
  readonly submit: { readonly todo: readonly SubmitStep[]; readonly answer: '' | '202' | '503' | 'cut' };
  readonly rollback: 'none' | 'cancel' | 'remove' | 'delete' | 'done';
  readonly cancel: {
    readonly at: 'none' | 'remove' | 'remove-job' | 'done';
    readonly returned: '' | '204' | '202' | '409';
  };
  /** The redrive under way: steps still to be done. */
  readonly redrive: readonly RedriveStep[];
  readonly sweep: SweepAt;
  readonly workers: readonly [Worker, Worker];
  readonly left: Budget;
  readonly seen: Seen;
}

export type SubmitStep = 'reserve' | 'payload' | 'payload-ttl' | 'record' | 'schedule' | 'add-job';

/** How often each of these may still happen. */
interface Budget {
  readonly crashes: number;
  readonly stops: number;
  readonly drains: number;
  readonly releases: number;
  readonly losses: number;
  readonly cancels: number;
  readonly redrives: number;
  readonly timeouts: number;
  /** A worker does not reach Redis for so long that its lease runs out. */
  readonly cuts: number;
  /** A record expires by its TTL. */
  readonly ttls: number;
}

/** What no part of the system remembers and the invariants need. */
interface Seen {
  readonly settlesInRun: number;
  /** A call of this run may have reached the upstream. */
  readonly arrivedInRun: boolean;
  /** The record went by its TTL after it had settled. */
  readonly gone: boolean;
  readonly rolledBack: boolean;
  /** What a step did that it may not. */
  readonly flaw: string;
}

/** How a call can end; see `callEnds` in worker-steps.ts. */
export type CallEnd = 'ok' | 'bad-status' | 'busy' | 'unsent' | 'reset';

export interface Scenario extends JobKind {
  readonly begins: 'submitting' | 'accepted';
  readonly asksDelay?: boolean;
  readonly callEnds: readonly CallEnd[];
  readonly budget: Partial<Budget>;
}

/** What the steps are made from. */
export interface Setting {
  readonly scenario: Scenario;
  readonly rules: Rules;
  readonly table: Transitions;
}

export const NO_BUDGET: Budget = {
  crashes: 0,
  stops: 0,
  drains: 0,
  releases: 0,
  losses: 0,
  cancels: 0,
  redrives: 0,
  timeouts: 0,
  cuts: 0,
  ttls: 0,
};

export const IDLE: Worker = {
  at: 'idle',
  run: 0,
  attempt: 0,
  end: '',
  outcome: '',
  left: undefined,
  stopped: false,
  wasStopped: false,
};

const FORGETS: readonly WorkerAt[] = ['start', 'remove-job', 'finish', 'again'];

/** What an attempt was plays no part any more once it is settled: fewer states. */
const clean = (worker: Worker): Worker =>
  FORGETS.includes(worker.at) ? { ...worker, run: 0, attempt: 0, end: '', outcome: '' } : worker;

/** One worker changed. */
export const withWorker = (state: State, index: 0 | 1, change: Partial<Worker>): State => {
  const changed = clean({ ...state.workers[index], ...change });
  return { ...state, workers: index === 0 ? [changed, state.workers[1]] : [state.workers[0], changed] };
};

export const spend = (state: State, what: keyof Budget): State => ({
  ...state,
  left: { ...state.left, [what]: state.left[what] - 1 },
});

/** Notes what must not happen; the first one counts. */
export const flawed = (state: State, fact: string): State =>
  state.seen.flaw === '' ? { ...state, seen: { ...state.seen, flaw: fact } } : state;
