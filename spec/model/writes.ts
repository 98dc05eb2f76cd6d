// Writes that several hands do: the queue's sorted sets, the scheduler, and the record with what the invariants
// have to say of its change.
import { isSettled } from '../../plugins/async-request-reply/jobs/job-record';
import { NoSuchTransition, type Change, type ModelRecord, type Reply } from './record';
import { flawed, type SettledSummary, type Setting, type State } from './state';

/** Runs a script on the record. Where Lua would throw, the state has a flaw. */
export function onRecord(
  state: State,
  change: (record: ModelRecord | undefined) => Change,
): [State, Reply | undefined] {
  let result: Change;
  try {
    result = change(state.record);
  } catch (error) {
    if (error instanceof NoSuchTransition) {
      return [flawed(state, error.message), undefined];
    }
    throw error;
  }
  const [record, reply] = result;
  return [judged({ ...state, record }, state.record), reply];
}

/** Holds a record's change against the invariants. */
function judged(state: State, before: ModelRecord | undefined): State {
  const { record } = state;
  if (record === undefined || record === before) {
    return state;
  }
  if (record.run !== (before?.run ?? record.run)) {
    return { ...state, seen: { ...state.seen, settlesInRun: 0, arrivedInRun: false } };
  }
  if (before !== undefined && isSettled(before.state)) {
    return flawed(state, 'a settled job is changed');
  }
  if (!isSettled(record.state)) {
    return state;
  }
  if (before === undefined) {
    return state; // The tombstone of a submit that never was.
  }
  const settled: State = { ...state, seen: { ...state.seen, settlesInRun: state.seen.settlesInRun + 1 } };
  return record.state === 'expired' && state.seen.arrivedInRun
    ? flawed(settled, 'a job whose call may have arrived is expired')
    : settled;
}

/** add_job.lua. */
export const addJob = (state: State): State => ({
  ...state,
  open: true,
  slot: state.slot === 'none' ? 'none' : 'kept',
});

/** The summary of a settled job without a record, and so without a run. */
export const NO_RUN = -1;

/** remove_job.lua. */
export const removeJob = (state: State, left: SettledSummary, { rules }: Setting): State =>
  rules.fenceStopsLateRemoval && isFenced(state.fence, left.run, rules.fencePerRun)
    ? state
    : { ...state, slot: 'none', open: false, deadList: state.deadList || left.dead };

/** Runs are redriven one after the other: with a fence for each, all up to the last one are fenced. */
const isFenced = (fence: number, run: number, each: boolean): boolean =>
  fence === run || (each && run !== NO_RUN && run < fence);

/** BullMQ's own `add`: nothing happens if it has the job. */
export const schedule = (state: State, delayed: boolean): State =>
  state.bull === 'none' ? { ...state, bull: delayed ? 'delayed' : 'waiting' } : state;

/** BullMQ's `remove`: an active job stays. */
export const remove = (state: State): State =>
  state.bull === 'waiting' || state.bull === 'delayed' ? { ...state, bull: 'none' } : state;

/** What a reply of `settled` or `closed` tells of the job. */
export const summaryOf = (
  state: State,
  reply: Extract<Reply, { kind: 'already-settled' | 'settled-now' }>,
): SettledSummary => ({
  run: state.record?.run ?? 1,
  dead: reply.dead,
});
