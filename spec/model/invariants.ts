// What has to be true between any two writes (ARCHITECTURE's invariants 1 to 4), and what every job has to be able to
// come to when nothing fails any more. What a single step must not do is noted by the step: `seen.flaw`.
import { isSettled } from '../../plugins/async-request-reply/jobs/job-record';
import type { Scenario, State } from './state';

/** Facts that are wrong in this state. */
export function flawsOf(state: State, scenario: Scenario): string[] {
  const { record, seen } = state;
  const flaws = seen.flaw === '' ? [] : [seen.flaw];
  const check = (holds: boolean, otherwise: string): void => {
    if (!holds) {
      flaws.push(otherwise);
    }
  };
  check(seen.settlesInRun <= 1, 'a job settles twice in a run');
  check(!isAccepted(state) || record !== undefined || seen.gone, 'an accepted job has no record');
  check(record === undefined || record.attempts <= scenario.maxAttempts, 'a job has too many attempts');
  check(record === undefined || record.attempts >= 0, 'a job has fewer than no attempts');
  check(
    state.cancel.returned !== '204' || record === undefined || record.state === 'cancelled',
    'a job is not cancelled though its client received 204',
  );
  check(
    state.cancel.returned !== '202' || record?.state !== 'completed' || record.run > 1,
    'a job completes though its client received 202 for the cancel',
  );
  check(
    record === undefined || record.result === '' || record.responses.includes(record.result),
    'a record names a response that is not there',
  );
  check(record?.state !== 'completed' || record.result !== '', 'a completed job has no response');
  check(record?.dead !== true || record.request, 'a dead letter has lost its request');
  return flaws;
}

/** The job is acknowledged: to a client by 202, or to an operator who has redriven it. */
const isAccepted = (state: State): boolean => state.submit.answer === '202' || (state.record?.run ?? 1) > 1;

/** Goals: in reach from every state, by steps that need no luck. */
export const GOALS = {
  /** Conservation: every client with a 202 has a job that settles. */
  settle: (state: State): boolean => {
    const { record, seen } = state;
    return !isAccepted(state) || seen.gone || (record !== undefined && isSettled(record.state));
  },
  /** Nothing of it is left in the queue, and nothing has no TTL. */
  'leave the queue': (state: State): boolean =>
    !state.open &&
    state.slot === 'none' &&
    state.bull === 'none' &&
    (state.record === undefined || isSettled(state.record.state) || !isAccepted(state)),
  'have a TTL on its request': (state: State): boolean =>
    state.payload !== 'without-ttl' || state.record !== undefined || state.seen.gone,
} as const;
