// The scripts on the records of jobs, beside those on the lease of an attempt (attempt-scripts.ts), one function each. The header of
// each Lua file describes what it does and returns.
import { defineScript, readFields } from '../redis/script';
import type { CreateOutcome, PurgeOutcome, RedriveOutcome, RollbackOutcome } from './job-outcomes';
import { RECORD_VERSION, type JobState, type SettledState } from './job-record';
import { DIRECTORY, LIBRARIES, settledSummary, settlingKeys, type JobOptions } from './script-libraries';

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
type AcknowledgeReply =
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
