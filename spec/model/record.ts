// The record of a job as the Lua scripts change it, with times as flags: a lease, a deadline or a delay is over or it
// is not. Each function is one script of jobs/lua/; spec/contract/job-model.spec.ts compares the two.
import { isSettled, type JobState } from '../../plugins/async-request-reply/jobs/job-record';
import type { TRANSITIONS, JobEvent } from '../../plugins/async-request-reply/jobs/transitions';
import type { RecordRules } from './rules';

export type Transitions = typeof TRANSITIONS;

export interface ModelRecord {
  readonly state: JobState;
  readonly attempts: number;
  readonly run: number;
  readonly token: string;
  readonly lease: 'none' | 'live' | 'over';
  readonly cancel: boolean;
  readonly deadlineOver: boolean;
  /** The delay before the next attempt is not over. */
  readonly early: boolean;
  /** `RUN.ATTEMPT` of the response that the record names, or ''. */
  readonly result: string;
  readonly dead: boolean;
  readonly request: boolean;
  /** A call that was not counted as an attempt may have arrived. */
  readonly ran: boolean;
  /** Responses stored beside the record. */
  readonly responses: readonly string[];
}

/** What never changes in a job's life. */
export interface JobKind {
  readonly repeatable: boolean;
  readonly maxAttempts: number;
}

export interface AttemptEnd {
  readonly outcome: 'completed' | 'failed' | 'retry' | 'release';
  readonly result?: string;
  readonly keepRequest?: boolean;
  /** The requested delay ends after the deadline. */
  readonly pastDeadline?: boolean;
  /** With `release`: the call was begun. */
  readonly wasCalled?: boolean;
}

export type Reply =
  | { readonly kind: 'missing' | 'leased-elsewhere' | 'not-due' | 'open' | 'leased' | 'retrying' | 'lost' }
  | { readonly kind: 'cancelling' | 'redriven' | 'not-dead' | 'renewed' | 'cancel' | 'created' | 'duplicate' }
  | { readonly kind: 'already-settled' | 'settled-now'; readonly state: JobState; readonly dead: boolean };

export type Change = readonly [ModelRecord | undefined, Reply];

/** The scripts, for one table of transitions, one kind of job and one set of rules. */
export class RecordScripts {
  readonly #table: Transitions;
  readonly #kind: JobKind;
  readonly #rules: RecordRules;

  constructor(table: Transitions, kind: JobKind, rules: RecordRules) {
    this.#table = table;
    this.#kind = kind;
    this.#rules = rules;
  }

  create(record: ModelRecord | undefined): Change {
    return record === undefined || !this.#rules.createRespectsTombstone
      ? [NEW_RECORD, { kind: 'created' }]
      : [record, { kind: 'duplicate' }];
  }

  /** advance.lua; `token` '' looks only. */
  advance(before: ModelRecord | undefined, token: string): Change {
    if (before === undefined) {
      return [before, { kind: 'missing' }];
    }
    if (isSettled(before.state)) {
      return [before, { kind: 'already-settled', state: before.state, dead: before.dead }];
    }
    if (before.state === 'running' && token !== '' && before.token === token) {
      // Asked again, since the first answer was lost with the connection.
      return [{ ...before, lease: 'live' }, { kind: 'leased' }];
    }
    const lapsed = before.state === 'running' ? this.#lapse(before) : before;
    if (lapsed === 'leased-elsewhere') {
      return [before, { kind: 'leased-elsewhere' }];
    }
    if (isSettled(lapsed.state)) {
      return closed(lapsed);
    }
    if (lapsed.deadlineOver) {
      return closed(
        lapsed.attempts === 0 && !lapsed.ran ? this.#settle(lapsed, 'expire') : this.#exhausted(lapsed),
      );
    }
    if (lapsed.attempts >= this.#kind.maxAttempts) {
      return closed(this.#exhausted(lapsed));
    }
    return this.#lease(lapsed, token);
  }

  #lapse(record: ModelRecord): ModelRecord | 'leased-elsewhere' {
    if (record.lease === 'live' && this.#rules.leaseWaitsForTheLast) {
      return 'leased-elsewhere';
    }
    if (record.cancel) {
      return this.#settle(record, 'cancel');
    }
    if (!this.#kind.repeatable && this.#rules.lostCallRespectsRepeatable) {
      return this.#settle(record, 'fail', true);
    }
    return { ...record, state: this.#move(record, 'lose'), token: '', lease: 'none' };
  }

  #lease(record: ModelRecord, token: string): Change {
    if (token === '') {
      return [record, { kind: 'open' }];
    }
    if (record.state === 'retrying' && record.early) {
      return [record, { kind: 'not-due' }];
    }
    const state = this.#move(record, 'start');
    return [{ ...record, state, attempts: record.attempts + 1, token, lease: 'live' }, { kind: 'leased' }];
  }

  /** settle.lua. */
  settle(before: ModelRecord | undefined, token: string, end: AttemptEnd): Change {
    const holds = before?.token === token || !this.#rules.settleChecksToken;
    if (before?.state !== 'running' || !holds) {
      return [before, { kind: 'lost' }];
    }
    const record = end.result === undefined ? before : named(before, end.result);
    if (record.cancel && this.#rules.settleHeedsCancel) {
      return closed(this.#settle(record, 'cancel'));
    }
    if (end.outcome === 'completed' || end.outcome === 'failed') {
      const event = end.outcome === 'completed' ? 'complete' : 'fail';
      return closed(this.#settle(record, event, end.keepRequest === true));
    }
    const counts = end.outcome === 'retry';
    const isLast =
      record.attempts >= this.#kind.maxAttempts || record.deadlineOver || end.pastDeadline === true;
    if (counts && isLast) {
      return closed(this.#exhausted(record));
    }
    const waiting: ModelRecord = {
      ...record,
      state: this.#move(record, 'retry'),
      token: '',
      lease: 'none',
      early: true,
      attempts: counts ? record.attempts : record.attempts - 1,
      ran: record.ran || (end.wasCalled === true && this.#rules.expiresOnlyWhatNeverRan),
    };
    return [waiting, { kind: 'retrying' }];
  }

  /** cancel.lua; `isRollback` leaves a tombstone where there is no record yet. */
  cancel(record: ModelRecord | undefined, isRollback: boolean): Change {
    if (record === undefined) {
      return [isRollback && this.#rules.rollbackLeavesTombstone ? TOMBSTONE : undefined, { kind: 'missing' }];
    }
    if (isSettled(record.state)) {
      return [record, { kind: 'already-settled', state: record.state, dead: record.dead }];
    }
    if (record.state === 'running') {
      return [{ ...record, cancel: true }, { kind: 'cancelling' }];
    }
    return closed(this.#settle(record, 'cancel'));
  }

  /** renew.lua. */
  renew(record: ModelRecord | undefined, token: string): Change {
    if (record?.state !== 'running' || record.token !== token) {
      return [record, { kind: 'lost' }];
    }
    return [{ ...record, lease: 'live' }, { kind: record.cancel ? 'cancel' : 'renewed' }];
  }

  /** redrive.lua. */
  redrive(record: ModelRecord | undefined): Change {
    if (record === undefined) {
      return [record, { kind: 'missing' }];
    }
    if (!record.dead || !record.request) {
      return [record, { kind: 'not-dead' }];
    }
    const state = this.#move(record, 'redrive');
    const next: ModelRecord = {
      ...record,
      state,
      dead: false,
      run: record.run + 1,
      attempts: 0,
      result: '',
      cancel: false,
      early: false,
      ran: false,
      deadlineOver: false,
      responses: record.responses.filter((one) => one !== record.result),
    };
    return [next, { kind: 'redriven' }];
  }

  #move(record: ModelRecord, event: JobEvent): JobState {
    const to = this.#table[record.state][event];
    if (to === undefined) {
      throw new NoSuchTransition(`a job that is ${record.state} cannot ${event}`);
    }
    return to;
  }

  /** `settle` of record.lua. */
  #settle(record: ModelRecord, event: JobEvent, keepRequest = false): ModelRecord {
    const state = this.#move(record, event);
    const dead = state === 'failed' || keepRequest;
    const isKept = state === 'completed';
    return {
      ...record,
      state,
      dead,
      request: record.request && dead,
      token: '',
      lease: 'none',
      // They play no part in a settled record.
      cancel: false,
      deadlineOver: false,
      early: false,
      ran: false,
      result: isKept ? record.result : '',
      responses: isKept ? record.responses.filter((one) => one === record.result) : [],
    };
  }

  #exhausted(record: ModelRecord): ModelRecord {
    return this.#settle(record, record.result === '' ? 'fail' : 'complete', true);
  }
}

/** What Lua's `next_state` throws. */
export class NoSuchTransition extends Error {}

const NEW_RECORD: ModelRecord = {
  state: 'queued',
  attempts: 0,
  run: 1,
  token: '',
  lease: 'none',
  cancel: false,
  deadlineOver: false,
  early: false,
  ran: false,
  result: '',
  dead: false,
  request: true,
  responses: [],
};

const TOMBSTONE: ModelRecord = { ...NEW_RECORD, state: 'cancelled', request: false };

const closed = (record: ModelRecord): Change => [
  record,
  { kind: 'settled-now', state: record.state, dead: record.dead },
];

/** Names another response as the result; the one named before goes. */
const named = (record: ModelRecord, result: string): ModelRecord => ({
  ...record,
  result,
  responses: record.responses.filter((one) => one !== record.result || record.result === ''),
});
