// The run of a job by a worker (worker/queue-runner.ts, run-job.ts, lease.ts): one write after the other, killed or stopped
// between
// any two.
import type { Step } from './explorer';
import type { AttemptEnd, RecordScripts } from './record';
import { flawed, IDLE, spend, withWorker } from './state';
import type { AttemptOutcome, CallEnd, Setting, State, Worker } from './state';
import { summaryOf, removeJob, NO_RUN, onRecord } from './writes';

type Index = 0 | 1;

export function workerSteps(
  state: State,
  index: Index,
  setting: Setting,
  scripts: RecordScripts,
): Step<State>[] {
  const worker = state.workers[index];
  const name = index === 0 ? 'worker 1' : 'worker 2';
  const label = (step: Step<State>): Step<State> => ({ ...step, label: `${name}: ${step.label}` });
  if (worker.stopped) {
    const next = withWorker(state, index, { stopped: false, wasStopped: true });
    return [{ label: 'wakes up', next, optional: true }, ...crashSteps(state, index)].map(label);
  }
  return [
    ...turnSteps(state, index, setting, scripts),
    ...interruptions(state, index, setting),
    ...crashSteps(state, index),
  ].map(label);
}

function crashSteps(state: State, index: Index): Step<State>[] {
  const worker = state.workers[index];
  if (worker.at === 'idle') {
    return [];
  }
  const steps: Step<State>[] = [];
  if (state.left.crashes > 0) {
    const bull = state.bull === active(index) ? 'orphan' : state.bull;
    const crashed = idle({ ...spend(arrived(state, worker), 'crashes'), bull }, index);
    steps.push({ label: 'killed', next: crashed, optional: true });
  }
  if (state.left.stops > 0 && !worker.stopped) {
    const next = withWorker(spend(state, 'stops'), index, { stopped: true });
    steps.push({ label: 'stopped', next, optional: true });
  }
  return steps;
}

function turnSteps(state: State, index: Index, setting: Setting, scripts: RecordScripts): Step<State>[] {
  const worker = state.workers[index];
  const to = (label: string, from: State, change: Partial<Worker>): Step<State> => ({
    label,
    next: withWorker(from, index, change),
  });
  switch (worker.at) {
    case 'idle':
      return state.bull === 'waiting'
        ? [to('takes it from BullMQ', { ...state, bull: active(index) }, { at: 'start' })]
        : [];
    case 'start':
      return [{ label: 'start', next: start(state, index, scripts) }];
    case 'free':
      return [to('free', { ...state, slot: 'none' }, { at: 'call' })];
    case 'call':
      return beginCall(state, index, setting);
    case 'calling':
      return setting.scenario.callEnds.map((end) => ({
        label: `call ends: ${end}`,
        next: callEnds(state, index, end, setting),
      }));
    case 'store':
      return [
        to('store response', stored(state, worker), {
          at: setting.rules.storesBeforeSettling ? 'settle' : 'remove-job',
        }),
      ];
    case 'settle':
      return [{ label: 'settle', next: settle(state, index, setting, scripts) }];
    case 'remove-job': {
      const left = worker.left === undefined ? state : removeJob(state, worker.left, setting);
      return [to('remove-job', left, { at: 'finish', left: undefined })];
    }
    case 'finish': {
      const bull = state.bull === active(index) ? 'none' : state.bull;
      return [{ label: 'finish in BullMQ', next: idle({ ...state, bull }, index) }];
    }
    case 'again': {
      const bull = state.bull === active(index) ? 'delayed' : state.bull;
      return [{ label: 'again later in BullMQ', next: idle({ ...state, bull }, index) }];
    }
  }
}

function start(before: State, index: Index, scripts: RecordScripts): State {
  const [state, reply] = onRecord(before, (record) => scripts.advance(record, tokenOf(index)));
  switch (reply?.kind) {
    case 'missing':
      return withWorker(state, index, { at: 'remove-job', left: { run: NO_RUN, dead: false } });
    case 'already-settled':
    case 'settled-now':
      return withWorker(state, index, { at: 'remove-job', left: summaryOf(state, reply) });
    case 'leased': {
      const { run = 0, attempts = 0 } = state.record ?? {};
      const leased = withWorker(state, index, { at: 'free', run, attempt: attempts });
      return judgedLease(leased, before);
    }
    default:
      return withWorker(state, index, { at: 'again' });
  }
}

function judgedLease(state: State, before: State): State {
  if (before.record?.state === 'running' && before.record.lease === 'live') {
    return flawed(state, 'two attempts hold a lease');
  }
  if (state.seen.rolledBack) {
    return flawed(state, 'a submit that was taken back starts');
  }
  return state.asked === 'pending' ? flawed(state, 'a job starts before the time it asked for') : state;
}

function beginCall(state: State, index: Index, setting: Setting): Step<State>[] {
  const worker = state.workers[index];
  const isHeld = state.record?.token === tokenOf(index) && state.record.lease === 'live';
  if (worker.end === 'lost' || (!isHeld && setting.rules.clockBeforeCall)) {
    return [{ label: 'makes no call', next: withWorker(state, index, { at: 'again' }) }];
  }
  if (worker.end !== '') {
    return [{ label: 'makes no call', next: withWorker(state, index, { at: 'settle', outcome: 'release' }) }];
  }
  const steps: Step<State>[] = [
    {
      label: 'call begins',
      next: judgedCall(withWorker(state, index, { at: 'calling' }), index, setting, isHeld),
    },
  ];
  if (state.left.releases > 0) {
    const next = withWorker(spend(state, 'releases'), index, { at: 'settle', outcome: 'release' });
    steps.push({ label: 'held by the breaker', next, optional: true });
  }
  return steps;
}

function judgedCall(state: State, index: Index, { scenario }: Setting, isHeld: boolean): State {
  const worker = state.workers[index];
  const other = state.workers[index === 0 ? 1 : 0];
  const isCurrent = worker.run === state.record?.run;
  const overlaps = other.at === 'calling';
  const byForce = [worker, other].some((one) => one.stopped || one.wasStopped);
  const mayHaveArrived = (isCurrent && state.seen.arrivedInRun) || (overlaps && other.run === worker.run);
  if (!scenario.repeatable && mayHaveArrived) {
    return flawed(state, 'a call that may not be repeated is made twice in a run');
  }
  if (overlaps && !byForce) {
    return flawed(state, 'two calls overlap though no worker was stopped');
  }
  return isHeld ? state : flawed(state, `a call begins after its lease was over${stoppedOrNot(worker)}`);
}

const stoppedOrNot = (worker: Worker): string => (worker.wasStopped ? ' in a worker that was stopped' : '');

/** worker/retry-policy.ts: what becomes of the attempt. `busy` is a 429: it was not processed. */
function callEnds(before: State, index: Index, end: CallEnd, setting: Setting): State {
  const worker = before.workers[index];
  const repeats = setting.scenario.repeatable || !setting.rules.repeatsOnlyTheRepeatable;
  const after = (outcome: AttemptOutcome, processed = true): State => {
    const withResponse = outcome === 'completed' || outcome === 'kept' || outcome === 'retry-with';
    const state = processed ? arrived(before, worker) : before;
    const settlesFirst = !setting.rules.storesBeforeSettling;
    return withWorker(state, index, { at: withResponse && !settlesFirst ? 'store' : 'settle', outcome });
  };
  switch (end) {
    case 'ok':
      return after('completed');
    case 'bad-status':
      return after(repeats ? 'retry-with' : 'kept');
    case 'busy':
      return after('retry-with', false);
    case 'unsent':
      return after('retry', false);
    case 'reset':
      return after(repeats ? 'retry' : 'failed');
  }
}

const OUTCOMES: Readonly<Record<Exclude<AttemptOutcome, ''>, AttemptEnd>> = {
  completed: { outcome: 'completed' },
  kept: { outcome: 'completed', keepRequest: true },
  failed: { outcome: 'failed' },
  retry: { outcome: 'retry' },
  'retry-with': { outcome: 'retry' },
  release: { outcome: 'release' },
  'release-called': { outcome: 'release', wasCalled: true },
};

function settle(before: State, index: Index, setting: Setting, scripts: RecordScripts): State {
  const worker = before.workers[index];
  const end = OUTCOMES[worker.outcome === '' ? 'release' : worker.outcome];
  const hasResponse = ['completed', 'kept', 'retry-with'].includes(worker.outcome);
  const named = hasResponse ? { ...end, result: nameOf(worker) } : end;
  const [state, reply] = onRecord(before, (record) => scripts.settle(record, tokenOf(index), named));
  const taken = reply?.kind !== 'lost';
  if (taken && before.record?.token !== tokenOf(index)) {
    return flawed(state, 'a result is taken from an attempt that does not hold the lease');
  }
  if (taken && hasResponse && before.record?.result === nameOf(worker)) {
    return flawed(state, 'two attempts of a job have a response of one name');
  }
  if (reply?.kind === 'settled-now') {
    const at = hasResponse && !setting.rules.storesBeforeSettling ? 'store' : 'remove-job';
    return withWorker(state, index, { at, left: summaryOf(state, reply) });
  }
  return withWorker(state, index, { at: 'again' });
}

function stored(state: State, worker: Worker): State {
  const { record } = state;
  const name = nameOf(worker);
  // What a late attempt stores beside a newer record expires by its TTL.
  const counts = record !== undefined && record.run === worker.run && !record.responses.includes(name);
  return counts ? { ...state, record: { ...record, responses: [...record.responses, name].sort() } } : state;
}

/** What ends the lease, and with it the call: lease.ts. */
function interruptions(state: State, index: Index, { scenario, rules }: Setting): Step<State>[] {
  const worker = state.workers[index];
  if (!['call', 'calling', 'store', 'settle'].includes(worker.at)) {
    return [];
  }
  const steps: Step<State>[] = [];
  const { record } = state;
  const holds = record?.state === 'running' && record.token === tokenOf(index);
  const end = (from: State, label: string, by: Worker['end'], outcome?: AttemptOutcome): void => {
    const ended = arrived(from, worker);
    const where: Partial<Worker> =
      worker.at === 'call' ? {} : outcome === undefined ? { at: 'again' } : { at: 'settle', outcome };
    steps.push({
      label,
      next: withWorker(ended, index, { end: by, ...where }),
      optional: by !== 'cancelled',
    });
  };
  // Woken up, its watchdog is overdue; else it takes a Redis that does not answer.
  const isOverdue = worker.wasStopped || (holds && record.lease === 'over');
  if (worker.end === '' && rules.watchdog && (isOverdue || state.left.cuts > 0)) {
    const before = isOverdue ? state : spend(state, 'cuts');
    end(before, 'gives up, its lease nearly over', 'lost');
  }
  if (worker.end === '' && (worker.at === 'call' || worker.at === 'calling')) {
    if (holds && record.cancel) {
      end(state, 'is told to cancel', 'cancelled', 'release');
    }
    if (state.left.drains > 0) {
      const repeats = scenario.repeatable || !rules.repeatsOnlyTheRepeatable;
      end(spend(state, 'drains'), 'is shut down', 'draining', repeats ? 'release-called' : 'failed');
    }
  }
  if (holds && record.lease === 'over') {
    steps.push({ label: 'renews', next: { ...state, record: { ...record, lease: 'live' } } });
  }
  return steps;
}

const tokenOf = (index: Index): 'w0' | 'w1' => (index === 0 ? 'w0' : 'w1');
const active = (index: Index): 'active0' | 'active1' => (index === 0 ? 'active0' : 'active1');
const nameOf = (worker: Worker): string => `${worker.run}.${worker.attempt}`;

/** The call may have reached the upstream, if it was in flight. */
const arrived = (state: State, worker: Worker): State =>
  worker.at === 'calling' && worker.run === state.record?.run
    ? { ...state, seen: { ...state.seen, arrivedInRun: true } }
    : state;

/** The run has ended. A token that no worker has any more is equivalent to any other. */
function idle(state: State, index: Index): State {
  const { record } = state;
  const forgotten = record?.token === tokenOf(index) ? { ...record, token: 'gone' } : record;
  return withWorker({ ...state, record: forgotten }, index, IDLE);
}
