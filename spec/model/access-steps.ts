// The access side (accept/access-store.ts): a submit's writes in their order, what is left of them when its process or
// its time is over, taking back, and a client's cancel.
import type { Step } from './explorer';
import type { RecordScripts } from './record';
import { spend, type Setting, type State, type SubmitStep } from './state';
import { schedule, addJob, removeJob, NO_RUN, onRecord, remove } from './writes';

export function submitWrites({ rules }: Setting): SubmitStep[] {
  const payload: SubmitStep[] = rules.requestHasTtlAtOnce ? ['payload'] : ['payload', 'payload-ttl'];
  return rules.recordBeforeScheduler
    ? ['reserve', ...payload, 'record', 'schedule', 'add-job']
    : ['reserve', ...payload, 'schedule', 'record', 'add-job'];
}

export function accessSteps(state: State, setting: Setting, scripts: RecordScripts): Step<State>[] {
  return [
    ...submitSteps(state, setting, scripts),
    ...rollbackSteps(state, setting, scripts),
    ...cancelSteps(state, setting, scripts),
  ];
}

function submitSteps(state: State, setting: Setting, scripts: RecordScripts): Step<State>[] {
  const { todo, answer } = state.submit;
  const steps: Step<State>[] = [];
  // BullMQ's own `add` asks whether it is connected first: on the wire it may be on either side of `add-job`.
  const isLoose = todo[0] === 'schedule' && todo[1] === 'add-job';
  for (const write of isLoose ? todo.slice(0, 2) : todo.slice(0, 1)) {
    const left = todo.filter((one) => one !== write);
    const done = submitWrite(state, write, setting, scripts);
    steps.push({ label: `submit: ${write}`, next: { ...done, submit: { todo: left, answer } } });
  }
  if (answer === '' && (todo.length === 0 || (!setting.rules.answersLast && todo[0] === 'add-job'))) {
    steps.push({ label: 'submit: answers 202', next: { ...state, submit: { todo, answer: '202' } } });
  }
  if (answer === '' && state.left.timeouts > 0 && todo.length < submitWrites(setting).length) {
    const timedOut = spend(state, 'timeouts');
    steps.push({
      label: 'submit: answers 503, its writes on the way',
      next: { ...timedOut, submit: { todo, answer: '503' }, rollback: 'cancel' },
      optional: true,
    });
  }
  if (answer === '503' && todo.length > 0) {
    const next: State = { ...state, submit: { todo: [], answer } };
    steps.push({ label: 'submit: what is on the way never arrives', next });
  }
  if ((answer === '' || todo.length > 0 || state.rollback !== 'none') && state.left.crashes > 0) {
    const isUnderWay = answer === '' || todo.length > 0 || !['none', 'done'].includes(state.rollback);
    if (isUnderWay) {
      const crashed: State = {
        ...spend(state, 'crashes'),
        submit: { todo: [], answer: answer === '' ? 'cut' : answer },
        rollback: 'none',
      };
      steps.push({ label: 'plugin server: killed', next: crashed, optional: true });
    }
  }
  return steps;
}

function submitWrite(state: State, write: SubmitStep, setting: Setting, scripts: RecordScripts): State {
  switch (write) {
    case 'reserve':
      return { ...state, slot: 'provisional' };
    case 'payload':
      return { ...state, payload: setting.rules.requestHasTtlAtOnce ? 'stored' : 'without-ttl' };
    case 'payload-ttl':
      return { ...state, payload: 'stored' };
    case 'record':
      return onRecord(state, (record) => scripts.create(record))[0];
    case 'schedule':
      return schedule(state, state.asked === 'pending');
    case 'add-job':
      return addJob(state);
  }
}

/** pending-rollbacks.ts: a rollback may come before the writes that it rolls back. */
function rollbackSteps(state: State, setting: Setting, scripts: RecordScripts): Step<State>[] {
  switch (state.rollback) {
    case 'none':
    case 'done':
      return [];
    case 'cancel': {
      const [cancelled] = onRecord(state, (record) => scripts.cancel(record, true));
      const seen = { ...cancelled.seen, rolledBack: true };
      return [{ label: 'roll back: cancel', next: { ...cancelled, seen, rollback: 'remove' } }];
    }
    case 'remove':
      return [{ label: 'roll back: remove', next: { ...remove(state), rollback: 'delete' } }];
    case 'delete': {
      const next: State = { ...removeJob(state, { run: NO_RUN, dead: false }, setting), rollback: 'done' };
      return [{ label: 'roll back: delete', next }];
    }
  }
}

function cancelSteps(state: State, setting: Setting, scripts: RecordScripts): Step<State>[] {
  const { cancel } = state;
  const killed: Step<State>[] =
    state.left.crashes > 0 && (cancel.at === 'remove' || cancel.at === 'remove-job')
      ? [
          {
            label: 'plugin server: killed in a cancel',
            next: { ...spend(state, 'crashes'), cancel: { at: 'done', returned: '' } },
            optional: true,
          },
        ]
      : [];
  switch (cancel.at) {
    case 'none':
      return state.left.cancels > 0 && state.submit.answer === '202' ? [cancelStep(state, scripts)] : [];
    case 'remove':
      return [
        { label: 'cancel: remove', next: { ...remove(state), cancel: { at: 'remove-job', returned: '' } } },
        ...killed,
      ];
    case 'remove-job': {
      const left = removeJob(state, { run: state.record?.run ?? 1, dead: false }, setting);
      const next: State = { ...left, cancel: { at: 'done', returned: '204' } };
      return [{ label: 'cancel: leave, answers 204', next }, ...killed];
    }
    case 'done':
      return [];
  }
}

function cancelStep(state: State, scripts: RecordScripts): Step<State> {
  const [after, reply] = onRecord(spend(state, 'cancels'), (record) => scripts.cancel(record, false));
  const next = ((): State => {
    switch (reply?.kind) {
      case 'settled-now':
        return { ...after, cancel: { at: 'remove', returned: '' } };
      case 'cancelling':
        return { ...after, cancel: { at: 'done', returned: '202' } };
      default:
        return { ...after, cancel: { at: 'done', returned: '409' } };
    }
  })();
  return { label: 'cancel: script', next, optional: true };
}
