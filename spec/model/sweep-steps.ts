// The sweep (worker/sweeper.ts), by one leader, each look and each write apart; and the redrive of a dead letter, by
// an operator who may be killed in it. A killed sweep begins anew.
import { isSettled } from '../../plugins/async-request-reply/jobs/job-record';
import type { Step } from './explorer';
import type { RecordScripts } from './record';
import type { RedriveStep } from './rules';
import { spend, type Setting, type State } from './state';
import { schedule, summaryOf, addJob, removeJob, NO_RUN, onRecord, remove } from './writes';

export function sweepSteps(state: State, setting: Setting, scripts: RecordScripts): Step<State>[] {
  const { sweep } = state;
  const killed: Step<State>[] =
    state.left.crashes > 0 && sweep.at !== 'idle'
      ? [{ label: 'sweep: killed', next: { ...spend(state, 'crashes'), sweep: IDLE }, optional: true }]
      : [];
  switch (sweep.at) {
    case 'idle':
      return looks(state, setting, scripts);
    case 'remove-job': {
      const left = removeJob(state, sweep.left, setting);
      const next: State = { ...left, sweep: sweep.removes ? { at: 'remove' } : IDLE };
      return [{ label: 'sweep: remove-job', next }, ...killed];
    }
    case 'remove':
      return [{ label: 'sweep: remove', next: { ...remove(state), sweep: IDLE } }, ...killed];
    case 'schedule': {
      const delayed = setting.rules.sweepKeepsDelay && state.asked === 'pending';
      return [{ label: 'sweep: schedule', next: { ...schedule(state, delayed), sweep: IDLE } }, ...killed];
    }
  }
}

const IDLE = { at: 'idle' } as const;

function looks(state: State, setting: Setting, scripts: RecordScripts): Step<State>[] {
  const { rules } = setting;
  const { record } = state;
  const steps: Step<State>[] = [];
  const isOver = record === undefined || record.deadlineOver || isSettled(record.state);
  if (state.open && isOver && rules.sweepSettlesOverdue) {
    steps.push(examine(state, false, scripts));
  }
  if (state.open && state.bull === 'none' && rules.sweepReschedules) {
    steps.push(examine(state, true, scripts));
  }
  return steps;
}

function examine(before: State, forgotten: boolean, scripts: RecordScripts): Step<State> {
  const [state, reply] = onRecord(before, (record) => scripts.advance(record, ''));
  const label = `sweep: examines a job ${forgotten ? 'that BullMQ does not know' : 'past its deadline'}`;
  switch (reply?.kind) {
    case 'missing': {
      const left = { run: NO_RUN, dead: false };
      return { label, next: { ...state, sweep: { at: 'remove-job', left, removes: !forgotten } } };
    }
    case 'already-settled':
    case 'settled-now': {
      const left = summaryOf(state, reply);
      return { label, next: { ...state, sweep: { at: 'remove-job', left, removes: !forgotten } } };
    }
    case 'open':
      return { label, next: forgotten ? { ...state, sweep: { at: 'schedule' } } : state };
    default:
      return { label, next: state };
  }
}

/** queue/redrive-job.ts. */
export function redriveSteps(state: State, setting: Setting, scripts: RecordScripts): Step<State>[] {
  const [step, ...todo] = state.redrive;
  if (step === undefined) {
    return state.left.redrives > 0 ? beginRedrive(state, setting) : [];
  }
  const steps: Step<State>[] = [{ label: `redrive: ${step}`, next: redriven(state, step, todo, scripts) }];
  if (state.left.crashes > 0) {
    const next: State = { ...spend(state, 'crashes'), redrive: [] };
    steps.push({ label: 'redrive: killed', next, optional: true });
  }
  return steps;
}

function beginRedrive(state: State, { rules }: Setting): Step<State>[] {
  const { record } = state;
  if (record === undefined) {
    return [];
  }
  const begun = spend(state, 'redrives');
  if (record.dead) {
    return [{ label: 'redrive: begins', next: { ...begun, redrive: rules.redriveOrder }, optional: true }];
  }
  const isCutOff = !isSettled(record.state) && record.run > 1 && (!state.open || state.deadList);
  return isCutOff
    ? [
        {
          label: 'redrive: resumes',
          next: { ...begun, redrive: ['schedule', 'add-job', 'remove-dead-letter'] },
          optional: true,
        },
      ]
    : [];
}

function redriven(
  state: State,
  step: RedriveStep,
  todo: readonly RedriveStep[],
  scripts: RecordScripts,
): State {
  switch (step) {
    case 'reserve':
      return { ...state, slot: 'provisional', redrive: todo };
    case 'fence':
      return { ...state, fence: state.record?.run ?? 0, redrive: todo };
    case 'reopen':
      return { ...state, open: true, redrive: todo };
    case 'script': {
      const [after, reply] = onRecord(state, (record) => scripts.redrive(record));
      return { ...after, redrive: reply?.kind === 'redriven' ? todo : [] };
    }
    case 'schedule':
      return { ...schedule(state, false), redrive: todo };
    case 'add-job':
      return { ...addJob(state), redrive: todo };
    case 'remove-dead-letter':
      return { ...state, deadList: false, redrive: todo };
  }
}
