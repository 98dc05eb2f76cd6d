// The life of one job as a machine that the explorer can take apart: everybody's next writes in every order.
import { TRANSITIONS } from '../../plugins/async-request-reply/jobs/transitions';
import { accessSteps, submitWrites } from './access-steps';
import type { Machine, Step } from './explorer';
import { flawsOf, GOALS } from './invariants';
import { RecordScripts, type Transitions } from './record';
import type { Rules } from './rules';
import { IDLE, NO_BUDGET, type Scenario, type Setting, type State } from './state';
import { StateKeys } from './state-key';
import { redriveSteps, sweepSteps } from './sweep-steps';
import { timeSteps } from './time-steps';
import { workerSteps } from './worker-steps';

/**
 * The machine of a job in this scenario.
 *
 * @param rules the program as it is, as it is to be, or with something broken on purpose.
 * @param table the transitions, the code's own unless a spec breaks them on purpose.
 */
export function jobModel(scenario: Scenario, rules: Rules, table: Transitions = TRANSITIONS): Machine<State> {
  const setting: Setting = { scenario, rules, table };
  const scripts = new RecordScripts(table, scenario, setting.rules);
  const keys = new StateKeys();
  return {
    initial: initial(setting, scripts),
    key: (state) => keys.of(state),
    steps: (state): Step<State>[] => [
      ...accessSteps(state, setting, scripts),
      ...workerSteps(state, 0, setting, scripts),
      ...workerSteps(state, 1, setting, scripts),
      ...sweepSteps(state, setting, scripts),
      ...redriveSteps(state, setting, scripts),
      ...timeSteps(state, setting),
    ],
    flaws: (state) => flawsOf(state, scenario),
    goals: GOALS,
  };
}

function initial(setting: Setting, scripts: RecordScripts): State {
  const { scenario } = setting;
  const asked = scenario.asksDelay === true ? 'pending' : 'none';
  const before: State = {
    record: undefined,
    payload: 'none',
    slot: 'none',
    open: false,
    fence: 0,
    deadList: false,
    bull: 'none',
    asked,
    submit: { todo: submitWrites(setting), answer: '' },
    rollback: 'none',
    cancel: { at: 'none', returned: '' },
    redrive: [],
    sweep: { at: 'idle' },
    workers: [IDLE, IDLE],
    left: { ...NO_BUDGET, ...scenario.budget },
    seen: { settlesInRun: 0, arrivedInRun: false, gone: false, rolledBack: false, flaw: '' },
  };
  if (scenario.begins === 'submitting') {
    return before;
  }
  return {
    ...before,
    record: scripts.create(undefined)[0],
    payload: 'stored',
    slot: 'kept',
    open: true,
    bull: asked === 'pending' ? 'delayed' : 'waiting',
    submit: { todo: [], answer: '202' },
  };
}
