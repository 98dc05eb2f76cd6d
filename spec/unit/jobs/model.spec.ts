// The job's life, every interleaving of it: with the code's own table of transitions nothing goes wrong, and with any
// rule broken something does. `MODEL=large` explores more.
import type { JobState } from '../../../plugins/async-request-reply/jobs/job-record';
import { TRANSITIONS, type JobEvent } from '../../../plugins/async-request-reply/jobs/transitions';
import { explore, type Report } from '../../model/explorer';
import { jobModel } from '../../model/model';
import type { Transitions } from '../../model/record';
import { RULES, type Rules } from '../../model/rules';
import { LARGE_SCENARIOS, SCENARIOS } from '../../model/scenarios';
import type { Scenario } from '../../model/state';

const isLarge = process.env['MODEL'] === 'large';
const LIMIT = isLarge ? 3_000_000 : 100_000;
const scenarios = isLarge ? { ...SCENARIOS, ...LARGE_SCENARIOS } : SCENARIOS;

if (isLarge) jest.setTimeout(1_800_000);

const returned = new Map<string, Report>();

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenario;
}

/** What is wrong with these rules, up to and with the fact that is looked for. */
const factsOf = (name: string, rules: Rules, until: string, table?: Transitions): string[] =>
  explore(jobModel(scenarioOf(name), rules, table), LIMIT, until).flaws.map(({ fact }) => fact);

afterAll(() => {
  if (!isLarge) return;
  const lines = [...returned].map(
    ([name, { states, steps, depth }]) =>
      `${String(states).padStart(8)} states ${String(steps).padStart(8)} steps, depth ${String(depth)}: ${name}`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
});

describe('without flaws every state satisfies the invariants', () => {
  test.each(Object.entries(scenarios))('in %s', (name, scenario) => {
    const report = explore(jobModel(scenario, RULES), LIMIT);
    returned.set(name, report);
    expect(report.flaws).toEqual([]);
    expect(report.states).toBeGreaterThan(100);
  });
});

interface Broken {
  readonly rules: Partial<Rules>;
  readonly scenario: string;
  /** One of the facts that the explorer finds. */
  readonly fact: string;
}

const POST_STOPPED = 'a POST of two attempts, a crash and a stopped worker';
const GET_STOPPED = 'a GET of two attempts, a crash and a stopped worker';
const LATE_SUBMIT = 'a submit that times out, its writes late, and a crash';
const CUT_OFF = 'workers cut off from Redis, and a scheduler that forgets';
const LATER = 'a submit for a later time, which BullMQ forgets';
const CANCEL = 'a cancel, a crash and a stopped worker';
const REDRIVE = 'a redrive and a crash';

/** Points that were open in the program once, and what each let happen. */
const GAPS: Readonly<Record<string, Broken>> = {
  'a request that is stored before its TTL is set': {
    rules: { requestHasTtlAtOnce: false },
    scenario: 'a submit and two crashes',
    fact: 'can never have a TTL on its request',
  },
  'a worker that was cut off from Redis and does not look at its clock before the call': {
    rules: { clockBeforeCall: false },
    scenario: CUT_OFF,
    fact: 'a call begins after its lease was over',
  },
  'a worker that was stopped and does not look at its clock before the call': {
    rules: { clockBeforeCall: false },
    scenario: POST_STOPPED,
    fact: 'a call begins after its lease was over in a worker that was stopped',
  },
  'an attempt that is given back in the middle of its call': {
    rules: { expiresOnlyWhatNeverRan: false },
    scenario: 'a GET, a breaker, shutdowns and a crash',
    fact: 'a job whose call may have arrived is expired',
  },
  'a sweep that does not know of the delay that was asked for': {
    rules: { sweepKeepsDelay: false },
    scenario: LATER,
    fact: 'a job starts before the time it asked for',
  },
  'a second redrive that lifts the fence of the first': {
    rules: { fencePerRun: false },
    scenario: 'two redrives',
    fact: 'can never settle',
  },
};

describe('each known gap permits one violation', () => {
  test.each(Object.entries(GAPS))('%s', (_name, { rules, scenario, fact }) => {
    expect(factsOf(scenario, { ...RULES, ...rules }, fact)).toContain(fact);
  });

  test('and the program has none', () => {
    expect(Object.entries(RULES).filter(([, holds]) => holds === false)).toEqual([]);
  });
});

const BROKEN: Readonly<Record<string, Broken>> = {
  'a settle without a look at the token': {
    rules: { settleChecksToken: false },
    scenario: GET_STOPPED,
    fact: 'a result is taken from an attempt that does not hold the lease',
  },
  'a lease given away before the last one is over': {
    rules: { leaseWaitsForTheLast: false },
    scenario: GET_STOPPED,
    fact: 'two attempts hold a lease',
  },
  'a lost POST that is started again': {
    rules: { lostCallRespectsRepeatable: false },
    scenario: POST_STOPPED,
    fact: 'a call that may not be repeated is made twice in a run',
  },
  'a POST that is repeated after its connection broke': {
    rules: { repeatsOnlyTheRepeatable: false },
    scenario: POST_STOPPED,
    fact: 'a call that may not be repeated is made twice in a run',
  },
  'a settle that does not heed a cancel': {
    rules: { settleHeedsCancel: false },
    scenario: CANCEL,
    fact: 'a job completes though its client received 202 for the cancel',
  },
  'a create that overwrites a tombstone': {
    rules: { createRespectsTombstone: false },
    scenario: LATE_SUBMIT,
    fact: 'a settled job is changed',
  },
  'a submit that is taken back without a tombstone': {
    rules: { rollbackLeavesTombstone: false },
    scenario: LATE_SUBMIT,
    fact: 'a submit that was taken back starts',
  },
  'a 202 before the last write': {
    rules: { answersLast: false },
    scenario: LATER,
    fact: 'can never settle',
  },
  'a record that names its response before it is stored': {
    rules: { storesBeforeSettling: false },
    scenario: GET_STOPPED,
    fact: 'a record names a response that is not there',
  },
  'a lease without a watchdog': {
    rules: { watchdog: false },
    scenario: CUT_OFF,
    fact: 'two calls overlap though no worker was stopped',
  },
  'a sweep that schedules nothing again': {
    rules: { sweepReschedules: false },
    scenario: CUT_OFF,
    fact: 'can never settle',
  },
  'a redrive without a fence': {
    rules: { fenceStopsLateRemoval: false },
    scenario: REDRIVE,
    fact: 'can never settle',
  },
  'a redrive that changes the record before the job is among the open ones': {
    rules: {
      redriveOrder: ['reserve', 'script', 'fence', 'reopen', 'schedule', 'add-job', 'remove-dead-letter'],
    },
    scenario: REDRIVE,
    fact: 'can never settle',
  },
  'a redrive that raises its fence after the job is among the open ones': {
    rules: {
      redriveOrder: ['reserve', 'reopen', 'fence', 'script', 'schedule', 'add-job', 'remove-dead-letter'],
    },
    scenario: REDRIVE,
    fact: 'can never settle',
  },
  'a sweep that leaves what is overdue and settled where it is': {
    rules: { sweepReschedules: false, sweepSettlesOverdue: false },
    scenario: CANCEL,
    fact: 'can never leave the queue',
  },
};

describe('a broken rule is found', () => {
  test.each(Object.entries(BROKEN))('%s', (_name, { rules, scenario, fact }) => {
    expect(factsOf(scenario, { ...RULES, ...rules }, fact)).toContain(fact);
  });
});

/** The events of a state, but for one. */
const without = (state: JobState, event: JobEvent): Transitions[JobState] =>
  Object.fromEntries(Object.entries(TRANSITIONS[state]).filter(([name]) => name !== event));

const TABLES: Readonly<Record<string, readonly [Partial<Transitions>, string]>> = {
  'a running job that cannot be lost': [
    { running: without('running', 'lose') },
    'a job that is running cannot lose',
  ],
  'a retrying job that cannot start': [
    { retrying: without('retrying', 'start') },
    'a job that is retrying cannot start',
  ],
  'a lost job that counts as completed': [
    { running: { ...TRANSITIONS.running, lose: 'completed' } },
    'a completed job has no response',
  ],
};

describe('a broken table of transitions is found', () => {
  test.each(Object.entries(TABLES))('%s', (_name, [change, fact]) => {
    expect(factsOf(GET_STOPPED, RULES, fact, { ...TRANSITIONS, ...change })).toContain(fact);
  });

  test('a cancelled job that stays queued', () => {
    const table: Transitions = { ...TRANSITIONS, queued: { ...TRANSITIONS.queued, cancel: 'queued' } };
    const fact = 'a job is not cancelled though its client received 204';
    expect(factsOf(CANCEL, RULES, fact, table)).toContain(fact);
  });
});
