// The scripts on the records of jobs, one function each. The header of each Lua file describes what it does and returns.
import path from 'node:path';
import type { KeySpace } from '../redis/keys';
import {
  CLOCK,
  defineScript,
  luaLibrary,
  readFields,
  type LuaLibrary,
  type ScriptArgument,
} from '../redis/script';
import type {
  AdvanceOutcome,
  AttemptEnd,
  CreateOutcome,
  PurgeOutcome,
  RedriveOutcome,
  RenewOutcome,
  RollbackOutcome,
  SettledSummary,
  SettleOutcome,
} from './job-outcomes';
import { parseJobRecord, RECORD_VERSION, type JobState, type SettledState } from './job-record';
import { TRANSITIONS } from './transitions';

const DIRECTORY = path.join(__dirname, 'lua');

/** A callback is retried for a day after its job has settled. What it needs lives a little longer. */
const CALLBACK_LIFE_MS = 93_600_000;

export const CALLBACK_LIFE: LuaLibrary = () => `local CALLBACK_LIFE_MS = ${String(CALLBACK_LIFE_MS)}\n`;

/** The table of jobs/transitions.ts in Lua. */
const TRANSITION_TABLE: LuaLibrary = () => {
  const states = Object.entries(TRANSITIONS).map(([from, events]) => {
    const moves = Object.entries(events).map(([event, to]) => `['${event}'] = '${to}'`);
    return `['${from}'] = { ${moves.join(', ')} }`;
  });
  return `local TRANSITIONS = { ${states.join(', ')} }\n`;
};

const LIBRARIES = [CLOCK, TRANSITION_TABLE, CALLBACK_LIFE, luaLibrary(DIRECTORY, 'record')];

/** A job, and the key space that its keys are in. */
interface JobOptions {
  readonly keys: KeySpace;
  readonly id: string;
}

/** The keys that record.lua needs to settle a job. */
const settlingKeys = ({ keys, id }: JobOptions): string[] => [
  keys.record(id),
  keys.request(id),
  keys.callback(id),
  keys.settledChannel(id),
];

interface CreateOptions extends JobOptions {
  /** Life of the record while the job is open. */
  readonly openTtlMs: number;
  readonly deadlineMs: number;
  readonly delayMs: number;
  /** Time of Redis after which nothing is written; 0 is no limit. */
  readonly latestAt: number;
  /** So long only the creator may schedule the job. */
  readonly confirmMs: number;
  /** How long repeats under the job's idempotency key find out that it was created; 0 if it has none. */
  readonly createdTtlMs: number;
  /** Of the record, beside those that the script sets. */
  readonly fields: Readonly<Record<string, string | number>>;
}

export const createRecord = defineScript({
  name: 'create',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 3,
  keys: ({ keys, id }: CreateOptions) => [keys.record(id), keys.request(id), keys.created(id)],
  argv: (options) => [
    options.openTtlMs,
    options.deadlineMs,
    Math.ceil(options.delayMs),
    Math.floor(options.latestAt),
    options.confirmMs,
    options.createdTtlMs,
    ...Object.entries(options.fields).flat(),
  ],
  reply: ([kind, createdAt, deadlineAt]: string[]): CreateOutcome =>
    kind === 'created'
      ? { kind, createdAt: Number(createdAt), deadlineAt: Number(deadlineAt) }
      : { kind: kind === 'too-late' ? 'too-late' : 'duplicate' },
});

interface AdvanceOptions extends JobOptions {
  /** Of the attempt that takes the lease; '' takes none. */
  readonly token: string;
  readonly leaseMs: number;
}

export const advanceJob = defineScript({
  name: 'advance',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 4,
  keys: (options: AdvanceOptions) => settlingKeys(options),
  argv: ({ token, leaseMs }) => [token, leaseMs, RECORD_VERSION],
  reply: (reply: string[], { id }): AdvanceOutcome => {
    const [kind, detail] = reply;
    switch (kind) {
      case 'missing':
      case 'newer':
      case 'open':
        return { kind };
      case 'already-settled':
      case 'settled-now':
        return { kind, ...settledSummary(reply) };
      case 'leased-elsewhere':
      case 'not-due':
        return { kind, ms: Number(detail) };
      case 'leased':
        return leased(id, reply);
      default:
        throw new Error(`advance.lua returned ${String(kind)}`);
    }
  },
});

function leased(id: string, reply: readonly string[]): AdvanceOutcome {
  const fields = readFields(reply, 2);
  const record = parseJobRecord(id, fields);
  if (record === undefined) {
    return { kind: 'missing' };
  }
  return { kind: 'leased', record, run: fields['run'] ?? '1', lifeMs: record.expiresAt - Number(reply[1]) };
}

/** Reads what `settle` of record.lua returns: kind, state, owner, dead, expires_at and bytes. */
function settledSummary(reply: readonly string[]): SettledSummary {
  const [, state, owner = '', dead, expiresAt, bytes] = reply;
  return {
    state: state as SettledState,
    owner,
    dead: dead === '1',
    expiresAt: Number(expiresAt),
    bytes: Number(bytes),
  };
}

interface RenewOptions extends JobOptions {
  readonly token: string;
  readonly leaseMs: number;
}

export const renewLease = defineScript({
  name: 'renew',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 1,
  keys: ({ keys, id }: RenewOptions) => [keys.record(id)],
  argv: ({ token, leaseMs }) => [token, leaseMs],
  reply: (code: number): RenewOutcome => (code === 1 ? 'renewed' : code === 2 ? 'cancel' : 'lost'),
});

interface SettleOptions extends JobOptions {
  readonly token: string;
  readonly end: AttemptEnd;
}

export const settleAttempt = defineScript({
  name: 'settle',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 5,
  keys: (options: SettleOptions) => [
    ...settlingKeys(options),
    options.keys.response(options.id, options.end.result ?? ''),
  ],
  argv: ({ token, end }): ScriptArgument[] => [
    token,
    end.outcome,
    end.result ?? '',
    end.upstreamStatus ?? '',
    end.error?.code ?? '',
    end.error?.detail ?? '',
    end.error?.proxyError ?? '',
    end.keepRequest ? '1' : '0',
    Math.ceil(end.delayMs ?? 0),
    end.called ? '1' : '',
    end.resultBytes ?? 0,
    end.connectAttempts ?? 0,
  ],
  reply: (reply: string[]): SettleOutcome => {
    const [kind, detail] = reply;
    switch (kind) {
      case 'settled-now':
        return { kind, ...settledSummary(reply) };
      case 'retrying':
        return { kind, delayMs: Number(detail) };
      default:
        return { kind: 'lost' };
    }
  },
});

interface CancelOptions extends JobOptions {
  /** How long to leave a tombstone if there is no record; 0 leaves none. */
  readonly tombstoneMs: number;
  /** A submit with an idempotency key is rolled back. */
  readonly hasClaim: boolean;
}

export const cancelJob = defineScript({
  name: 'cancel',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 4,
  keys: (options: CancelOptions) => settlingKeys(options),
  argv: ({ tombstoneMs, hasClaim }) => [tombstoneMs, hasClaim ? '1' : ''],
  reply: (reply: string[]): RollbackOutcome => {
    const [kind, state] = reply;
    switch (kind) {
      case 'settled-now':
        return { kind, ...settledSummary(reply) };
      case 'cancelling':
      case 'kept':
        return { kind };
      case 'already-settled':
        return { kind, state: state as SettledState };
      default:
        return { kind: 'missing' };
    }
  },
});

export const redriveRecord = defineScript({
  name: 'redrive',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 2,
  keys: ({ keys, id }: JobOptions) => [keys.record(id), keys.request(id)],
  argv: () => [],
  reply: ([kind, detail = '', owner = '', deadlineMs, openTtlMs]: string[]): RedriveOutcome => {
    switch (kind) {
      case 'redriven':
        return { kind, queue: detail, owner, deadlineMs: Number(deadlineMs), openTtlMs: Number(openTtlMs) };
      case 'not-dead':
        return { kind, state: detail as JobState };
      default:
        return { kind: 'missing' };
    }
  },
});

export const purgeRecord = defineScript({
  name: 'purge',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 3,
  keys: ({ keys, id }: JobOptions) => [keys.record(id), keys.request(id), keys.callback(id)],
  argv: () => [RECORD_VERSION],
  reply: ([kind, detail = '', owner = '']: string[]): PurgeOutcome => {
    switch (kind) {
      case 'purged':
        return { kind, queue: detail, owner };
      case 'open':
        return { kind, state: detail as JobState };
      case 'newer':
        return { kind };
      default:
        return { kind: 'missing' };
    }
  },
});

interface ConsumeOptions extends JobOptions {
  /** `RUN.ATTEMPT` */
  readonly result: string;
  /** Keeps the response so long at most; 0 removes it now. */
  readonly keepMs: number;
}

/** Returns whether the read was still to be had. */
export const consumeResult = defineScript({
  name: 'consume',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 2,
  keys: ({ keys, id, result }: ConsumeOptions) => [keys.record(id), keys.response(id, result)],
  argv: ({ result, keepMs }) => [result, keepMs],
  reply: (code: number): boolean => code === 1,
});

interface AcknowledgeOptions extends JobOptions {
  readonly acknowledges: boolean;
  readonly tombstoneMs: number;
}

/** What became of a job, with the fields of its record if there is one. */
export type AcknowledgeReply =
  | { readonly kind: 'job'; readonly fields: Readonly<Record<string, string>> }
  | { readonly kind: 'gone' | 'not-created' | 'rolled-back' };

export const acknowledgeJob = defineScript({
  name: 'acknowledge',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 2,
  keys: ({ keys, id }: AcknowledgeOptions) => [keys.record(id), keys.created(id)],
  argv: ({ acknowledges, tombstoneMs }) => [acknowledges ? '1' : '', tombstoneMs],
  reply: (reply: string[]): AcknowledgeReply => {
    const [kind] = reply;
    switch (kind) {
      case 'job':
        return { kind, fields: readFields(reply, 1) };
      case 'not-created':
      case 'rolled-back':
        return { kind };
      default:
        return { kind: 'gone' };
    }
  },
});
