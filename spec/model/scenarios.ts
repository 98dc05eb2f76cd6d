// What the explorer looks at: each scenario is one kind of job and so much trouble that all its interleavings can
// still be gone through.
import type { CallEnd, Scenario } from './state';

const ANY_END: readonly CallEnd[] = ['ok', 'bad-status', 'busy', 'unsent', 'reset'];

/** What a POST may repeat, what it may not, and its end. */
const FEW_ENDS: readonly CallEnd[] = ['ok', 'busy', 'reset'];

const accepted = { begins: 'accepted', maxAttempts: 1, callEnds: ['ok', 'bad-status'] } as const;
const submitting = { begins: 'submitting', maxAttempts: 1, callEnds: ['ok'] } as const;

/** Each by what is special about it; few enough states for every run of the specs. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a submit that times out, its writes late, and a crash': {
    ...submitting,
    repeatable: true,
    budget: { crashes: 1, timeouts: 1 },
  },
  'a submit and two crashes': { ...submitting, repeatable: false, budget: { crashes: 2 } },
  'a submit for a later time, which BullMQ forgets': {
    ...submitting,
    repeatable: true,
    asksDelay: true,
    budget: { losses: 1, crashes: 1 },
  },
  'a POST of two attempts, a crash and a stopped worker': {
    ...accepted,
    repeatable: false,
    maxAttempts: 2,
    callEnds: FEW_ENDS,
    budget: { crashes: 1, stops: 1 },
  },
  'a GET of two attempts, a crash and a stopped worker': {
    ...accepted,
    repeatable: true,
    maxAttempts: 2,
    budget: { crashes: 1, stops: 1 },
  },
  'a GET of two attempts and three crashes': {
    ...accepted,
    repeatable: true,
    maxAttempts: 2,
    budget: { crashes: 3 },
  },
  'a cancel, a crash and a stopped worker': {
    ...accepted,
    repeatable: true,
    budget: { crashes: 1, stops: 1, cancels: 1 },
  },
  'a cancel, a crash and a shutdown': {
    ...accepted,
    repeatable: true,
    maxAttempts: 2,
    budget: { crashes: 1, cancels: 1, drains: 1 },
  },
  'a breaker, a shutdown, a crash and a scheduler that forgets': {
    ...accepted,
    repeatable: false,
    budget: { drains: 1, releases: 1, losses: 1, crashes: 1 },
  },
  'a GET, a breaker, shutdowns and a crash': {
    ...accepted,
    repeatable: true,
    maxAttempts: 2,
    budget: { drains: 2, releases: 1, crashes: 1 },
  },
  'workers cut off from Redis, and a scheduler that forgets': {
    ...accepted,
    repeatable: true,
    maxAttempts: 2,
    budget: { cuts: 1, losses: 1 },
  },
  'a POST whose worker is cut off from Redis, and a cancel': {
    ...accepted,
    repeatable: false,
    callEnds: ANY_END,
    budget: { cuts: 2, cancels: 1 },
  },
  'a redrive and a crash': {
    ...accepted,
    repeatable: false,
    callEnds: ['reset'],
    budget: { redrives: 1, crashes: 1 },
  },
  'two redrives': { ...accepted, repeatable: true, callEnds: ['bad-status'], budget: { redrives: 2 } },
  'a record that goes, a crash and a cancel': {
    ...accepted,
    repeatable: true,
    budget: { ttls: 1, crashes: 1, cancels: 1 },
  },
};

/** With more faults each. They take minutes: run them after a change of the order of writes (`MODEL=large`). */
export const LARGE_SCENARIOS: Readonly<Record<string, Scenario>> = {
  'two redrives and a crash': {
    ...accepted,
    repeatable: true,
    callEnds: ['bad-status'],
    budget: { redrives: 2, crashes: 1 },
  },
  'a redrive and a stopped worker': {
    ...accepted,
    repeatable: true,
    callEnds: ['bad-status'],
    budget: { redrives: 1, stops: 1 },
  },
  'workers cut off from Redis twice, and a scheduler that forgets': {
    ...accepted,
    repeatable: true,
    maxAttempts: 2,
    budget: { cuts: 2, losses: 1 },
  },
  'a POST of two attempts, two crashes and a stopped worker': {
    ...accepted,
    repeatable: false,
    maxAttempts: 2,
    callEnds: ANY_END,
    budget: { crashes: 2, stops: 1 },
  },
  'a GET of two attempts, a cancel, two crashes and a stopped worker': {
    ...accepted,
    repeatable: true,
    maxAttempts: 2,
    budget: { cancels: 1, crashes: 2, stops: 1 },
  },
  'a submit that times out, two crashes and a stopped worker': {
    ...submitting,
    repeatable: true,
    budget: { crashes: 2, timeouts: 1, stops: 1 },
  },
};
