// What happens by itself: time that runs out, and BullMQ, which may lose a job.
import { isSettled } from '../../plugins/async-request-reply/jobs/job-record';
import type { Step } from './explorer';
import type { ModelRecord } from './record';
import { NO_RUN } from './writes';
import { spend, type Setting, type State } from './state';

export function timeSteps(state: State, setting: Setting): Step<State>[] {
  const { record } = state;
  const steps: Step<State>[] = [...schedulerSteps(state)];
  const then = (label: string, change: Partial<State>): void => {
    steps.push({ label, next: { ...state, ...change } });
  };
  if (state.asked === 'pending') {
    then('time: the start that was asked for has come', { asked: 'none' });
  }
  // Before there is an open entry, and after it, only time frees a slot; otherwise the one that settles the job frees it.
  if (state.slot !== 'none' && !state.open && state.submit.todo.length === 0) {
    then('time: the place falls free', { slot: 'none' });
  }
  // Ten minutes: assumed to be longer than anybody takes from the settling of a job to its removal.
  const isAwaited = [...state.workers, state.sweep].some(
    (one) => 'left' in one && (one.left?.run ?? NO_RUN) > 0,
  );
  if (state.fence > 0 && state.redrive.length === 0 && !isAwaited) {
    then('time: the fence of a redrive goes', { fence: 0 });
  }
  if (record === undefined) {
    return steps;
  }
  if (isSettled(record.state)) {
    const isSubmitOver = state.submit.todo.length === 0 && ['none', 'done'].includes(state.rollback);
    if (state.left.ttls > 0 && isSubmitOver && state.submit.answer !== '') {
      const gone = { ...spend(state, 'ttls'), record: undefined, seen: { ...state.seen, gone: true } };
      steps.push({ label: 'time: the record goes', next: gone, optional: true });
    }
    return steps;
  }
  if (!record.deadlineOver) {
    // A job has to be able to settle without it.
    const next: State = { ...state, record: { ...record, deadlineOver: true } };
    steps.push({ label: 'time: the deadline is over', next, optional: true });
  }
  if (record.early) {
    then('time: the delay is over', { record: { ...record, early: false } });
  }
  if (record.state === 'running' && record.lease === 'live') {
    steps.push(...leaseSteps(state, record, setting));
  }
  return steps;
}

/**
 * A worker that runs renews its lease, and ends its call before the lease is over where it cannot. So a lease runs out
 * only when nobody has it, its worker is stopped, or makes no call and does not reach Redis.
 */
function leaseSteps(state: State, record: ModelRecord, { rules }: Setting): Step<State>[] {
  const label = 'time: the lease is over';
  const over: State = { ...state, record: { ...record, lease: 'over' } };
  const holder = HOLDERS[record.token];
  const worker = holder === undefined ? undefined : state.workers[holder];
  if (worker === undefined || worker.stopped || worker.end === 'lost' || worker.at === 'again') {
    return [{ label, next: over }];
  }
  if (state.left.cuts === 0) {
    return [];
  }
  const makesCall = worker.at === 'calling' || worker.at === 'call';
  return makesCall && rules.watchdog
    ? []
    : [{ label: `${label}: its worker does not reach Redis`, next: spend(over, 'cuts'), optional: true }];
}

const HOLDERS: Readonly<Record<string, 0 | 1>> = { w0: 0, w1: 1 };

function schedulerSteps(state: State): Step<State>[] {
  const { bull } = state;
  const steps: Step<State>[] = [];
  if (bull === 'delayed' && state.asked === 'none') {
    steps.push({ label: 'BullMQ: the delay is over', next: { ...state, bull: 'waiting' } });
  }
  const active = bull === 'active0' ? state.workers[0] : bull === 'active1' ? state.workers[1] : undefined;
  if (bull === 'orphan' || active?.stopped === true || (active && state.record?.lease === 'over')) {
    steps.push({ label: 'BullMQ: stalled, waits again', next: { ...state, bull: 'waiting' } });
  }
  if (state.left.losses > 0 && (bull === 'waiting' || bull === 'delayed' || bull === 'orphan')) {
    const next: State = { ...spend(state, 'losses'), bull: 'none' };
    steps.push({ label: 'BullMQ: forgets the job', next, optional: true });
  }
  return steps;
}
