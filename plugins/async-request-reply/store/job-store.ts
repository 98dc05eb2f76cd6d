// The jobs in Redis: records, requests and responses. Record changes are Lua scripts, each atomic; everything
// else here may be repeated. Both roles use it: the access side to create, read and cancel, workers for the rest.
import {
  parseJobRecord,
  RECORD_VERSION,
  type JobError,
  type JobRecord,
  type JobState,
  type SettledState,
} from '../jobs/job-record';
import type { ResponseHead, UpstreamRequestHead } from '../http/upstream-request';
import type { PurgeOutcome } from './purge-outcome';
import type { CallbackTerms } from './callback-store';
import { recordKey, requestKey, responseKey } from './keys';
import { CHUNK_BYTES, chunkCount, packMeta } from './payload';
import { mediaOf } from './payload-coding';
import { StoredPayload } from './payload-reader';
import { PayloadWriter, type PayloadOptions } from './payload-writer';
import type { ScriptedRedis } from './scripts';

export interface NewJob {
  readonly id: string;
  readonly queue: string;
  readonly owner: string;
  readonly settingsHash: string;
  readonly request: UpstreamRequestHead;
  /** `stored`: it has been written by `writeRequest`. */
  readonly body: Buffer | 'stored';
  /** Whether an attempt that may have reached the upstream may be followed by another. */
  readonly repeatable: boolean;
  readonly maxAttempts: number;
  /** Before the first attempt. */
  readonly delayMs: number;
  readonly deadlineMs: number;
  readonly resultTtlMs: number;
  /** How long record and request live while the job is open: to the end of the last possible attempt and its TTL. */
  readonly openTtlMs: number;
  readonly singleRead?: boolean;
  /** Where the job was asked for under an idempotency key. */
  readonly once?: OnceTerms;
  readonly callback?: CallbackTerms | undefined;
}

export interface OnceTerms {
  /** Hash of caller and key: the claim that names the job. */
  readonly claimKey: string;
  readonly ttlMs: number;
  /** Made for a claim of somebody else, who can no longer take it back. */
  readonly isHelp: boolean;
}

/** `exists`: a record, or the tombstone of a submit that was given up, has this ID. `late`: nothing was written. */
export type CreateOutcome =
  { kind: 'created'; createdAt: number; deadlineAt: number } | { kind: 'exists' | 'late' };

/** What a queue has to know of a job that has settled. */
export interface Departure {
  readonly state: SettledState;
  readonly owner: string;
  /** A dead letter: it keeps its request and can be redriven. */
  readonly dead: boolean;
  readonly expiresAt: number;
}

export type AdvanceOutcome =
  | { kind: 'missing' | 'newer' }
  /** It had settled before. */
  | ({ kind: 'settled' } & Departure)
  /** This call settled it: deadline, attempts used up, or its worker lost. */
  | ({ kind: 'closed' } & Departure)
  /** Another attempt's lease, or the delay before the next attempt, has `ms` to go. */
  | { kind: 'held' | 'early'; ms: number }
  | { kind: 'open' }
  /** The lease is taken; `lifeMs` is what is left of the record's life. */
  | { kind: 'leased'; record: JobRecord; run: string; lifeMs: number };

/** How an attempt ended. `result` names a response stored by `writeResponse`. */
export interface AttemptEnd {
  /** `hold`: no call was made, or it was ended from here; it does not count as an attempt. */
  readonly outcome: 'completed' | 'failed' | 'retry' | 'hold';
  readonly result?: string;
  /** Length of its body. */
  readonly resultBytes?: number;
  readonly upstreamStatus?: number;
  readonly error?: JobError;
  /** With `completed`: a dead letter, which keeps its request. */
  readonly keepRequest?: boolean;
  /** With `hold`: a call was made, and may have arrived. */
  readonly called?: boolean;
  /** With `retry` and `hold`. */
  readonly delayMs?: number;
}

export type SettleOutcome =
  | ({ kind: 'closed' } & Departure)
  | { kind: 'retrying'; delayMs: number }
  /** The lease went to another: nothing was written. */
  | { kind: 'lost' };

export type CancelOutcome =
  | ({ kind: 'closed' } & Departure)
  | { kind: 'cancelling' | 'missing' }
  | { kind: 'settled'; state: SettledState };

/** `kept`: it has begun, or a repeat of its request has been told of it. */
export type AbandonOutcome = CancelOutcome | { kind: 'kept' };

export type RedriveOutcome =
  | { kind: 'redriven'; queue: string; owner: string; deadlineMs: number; openTtlMs: number }
  | { kind: 'not-dead'; state: JobState }
  | { kind: 'missing' };

/** How long a run of a job may take: fixed at accept, the same for each redrive. */
export interface RunTerms {
  readonly deadlineMs: number;
  readonly openTtlMs: number;
  /** The idempotency key that names the job: it is kept as long as the job is open. */
  readonly claimKey: string | undefined;
}

export type RenewOutcome = 'renewed' | 'cancel' | 'lost';

/** Long enough for a write that was abandoned in some buffer to arrive. */
const TOMBSTONE_MS = 3_600_000;

/** Between two writes of an upload. */
const UPLOAD_TTL_MS = 300_000;

export class JobStore {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /**
   * Writes request and record in one round trip. The record is there only if the request is.
   *
   * @param terms `latestAt`: time of Redis, in ms, after which the record is not written any more; `confirmMs`: for so long
   *   a look at the job does not find it open: whoever writes it is not done with it. 0 for none.
   */
  async create(
    job: NewJob,
    { latestAt = 0, confirmMs = 0 }: { latestAt?: number; confirmMs?: number } = {},
  ): Promise<CreateOutcome> {
    const [, [kind, createdAt, deadlineAt]] = await Promise.all([
      job.body === 'stored' ? undefined : this.#putRequest(job, job.body),
      this.#redis.arrCreate(
        recordKey(this.#prefix, job.id),
        job.openTtlMs,
        job.deadlineMs,
        Math.ceil(job.delayMs),
        Math.floor(latestAt),
        confirmMs,
        job.once?.ttlMs ?? 0,
        ...['v', RECORD_VERSION, 'queue', job.queue, 'method', job.request.method, 'owner', job.owner],
        ...['max_attempts', job.maxAttempts, 'repeatable', job.repeatable ? '1' : '0'],
        ...['result_ttl', job.resultTtlMs, 'deadline_ms', job.deadlineMs, 'open_ttl', job.openTtlMs],
        ...['settings', job.settingsHash, 'single_read', job.singleRead === true ? '1' : ''],
        ...(job.callback ? ['callback', JSON.stringify(job.callback)] : []),
        ...(job.once ? ['claim', job.once.claimKey, 'vouched', job.once.isHelp ? '1' : ''] : []),
      ),
    ]);
    return kind === 'created'
      ? { kind, createdAt: Number(createdAt), deadlineAt: Number(deadlineAt) }
      : { kind: kind === 'late' ? 'late' : 'exists' };
  }

  /** A small body: head and chunks leave in one command, which is on the wire before the record's. */
  #putRequest(job: NewJob, body: Buffer): Promise<number> {
    const head = packMeta({ head: job.request, bytes: body.length });
    const chunks = Array.from({ length: chunkCount(body.length) }, (_item, index) => [
      String(index),
      body.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
    ]);
    const key = requestKey(this.#prefix, job.id);
    return this.#redis.arrPut(key, job.openTtlMs, '', 'head', head, ...chunks.flat());
  }

  /** The record, or undefined where there is none (a tombstone is none). One round trip. */
  async read(id: string): Promise<JobRecord | undefined> {
    const record = parseJobRecord(id, await this.#redis.hgetall(recordKey(this.#prefix, id)));
    return record?.version === 0 ? undefined : record;
  }

  /** The stored request, or undefined where it is gone. One round trip for head and first chunk. */
  readRequest(id: string): Promise<StoredPayload<UpstreamRequestHead> | undefined> {
    return StoredPayload.open(this.#redis, requestKey(this.#prefix, id));
  }

  /** A stored response: the record names it as its result, or nobody does. */
  readResponse(id: string, result: string): Promise<StoredPayload<ResponseHead> | undefined> {
    return StoredPayload.open(this.#redis, responseKey(this.#prefix, id, result));
  }

  /**
   * Writes a request's body while it comes in, before the job is there: `create` with the body `stored` comes after
   * it. It goes by itself where nothing is written for `UPLOAD_TTL_MS`.
   */
  writeRequest(id: string, openTtlMs: number, head: UpstreamRequestHead): PayloadWriter {
    return new PayloadWriter(this.#redis, requestKey(this.#prefix, id), {
      ...{ ttlMs: openTtlMs, writingTtlMs: Math.min(openTtlMs, UPLOAD_TTL_MS), digest: false },
      ...mediaOf(head.headers),
    });
  }

  /** Stores an attempt's response beside the record; it counts only once `settle` has named it. */
  writeResponse(
    id: string,
    result: string,
    head: ResponseHead,
    ttlMs: number,
    persist?: PayloadOptions['persist'],
  ): PayloadWriter {
    return new PayloadWriter(this.#redis, responseKey(this.#prefix, id, result), {
      ...{ ttlMs, digest: true, ...(persist && { persist }) },
      ...mediaOf(head.headers),
    });
  }

  /** Removes a stored response that nobody is to read again. */
  async dropResponse(id: string, result: string): Promise<void> {
    await this.#redis.unlink(responseKey(this.#prefix, id, result));
  }

  /** Removes a received request that no job came of. */
  async dropRequest(id: string): Promise<void> {
    await this.#redis.unlink(requestKey(this.#prefix, id));
  }

  /** Takes the lease for an attempt with this token, or settles, or says why not: store/lua/advance.lua. */
  async start(id: string, token: string, leaseMs: number): Promise<AdvanceOutcome> {
    return this.#advance(id, token, leaseMs);
  }

  /** Settles the job if time or a lost worker has ended it; takes no lease. */
  async examine(id: string): Promise<AdvanceOutcome> {
    return this.#advance(id, '', 0);
  }

  async #advance(id: string, token: string, leaseMs: number): Promise<AdvanceOutcome> {
    const reply = await this.#redis.arrAdvance(recordKey(this.#prefix, id), token, leaseMs, RECORD_VERSION);
    const [kind, detail] = reply;
    switch (kind) {
      case 'missing':
      case 'newer':
      case 'open':
        return { kind };
      case 'settled':
      case 'closed':
        return { kind, ...departure(reply) };
      case 'held':
      case 'early':
        return { kind, ms: Number(detail) };
      case 'leased':
        return leased(id, reply);
      default:
        throw new Error(`advance.lua answered ${String(kind)}`);
    }
  }

  async renew(id: string, token: string, leaseMs: number): Promise<RenewOutcome> {
    const answer = await this.#redis.arrRenew(recordKey(this.#prefix, id), token, leaseMs);
    return answer === 1 ? 'renewed' : answer === 2 ? 'cancel' : 'lost';
  }

  /** Ends the attempt that holds the lease with `token`; writes nothing where another holds it. */
  async settle(id: string, token: string, end: AttemptEnd): Promise<SettleOutcome> {
    const reply = await this.#redis.arrSettle(
      recordKey(this.#prefix, id),
      ...[token, end.outcome, end.result ?? '', end.upstreamStatus ?? ''],
      ...[end.error?.code ?? '', end.error?.detail ?? '', end.error?.proxyError ?? ''],
      ...[end.keepRequest ? '1' : '0', Math.ceil(end.delayMs ?? 0), end.called ? '1' : ''],
      end.resultBytes ?? 0,
    );
    const [kind, detail] = reply;
    switch (kind) {
      case 'closed':
        return { kind, ...departure(reply) };
      case 'retrying':
        return { kind, delayMs: Number(detail) };
      default:
        return { kind: 'lost' };
    }
  }

  /** Cancels a job: at once where it waits, by a mark that its worker reads where it runs. */
  async cancel(id: string): Promise<CancelOutcome> {
    const outcome = await this.#cancel(id, 0, false);
    return outcome.kind === 'kept' ? { kind: 'cancelling' } : outcome;
  }

  /**
   * Cancels a submit whose outcome is not known, so that it does not run even if its writes come late.
   *
   * @param hasClaim it had an idempotency key: a job that a repeat was, or will be, told of is kept.
   */
  async abandon(id: string, hasClaim = false): Promise<AbandonOutcome> {
    return this.#cancel(id, TOMBSTONE_MS, hasClaim);
  }

  /** Opens a new run of a dead letter; the caller schedules it. */
  async redrive(id: string): Promise<RedriveOutcome> {
    const [kind, detail = '', owner = '', deadlineMs, openTtlMs] = await this.#redis.arrRedrive(
      recordKey(this.#prefix, id),
    );
    switch (kind) {
      case 'redriven':
        return { kind, queue: detail, owner, deadlineMs: Number(deadlineMs), openTtlMs: Number(openTtlMs) };
      case 'not-dead':
        return { kind, state: detail as JobState };
      default:
        return { kind: 'missing' };
    }
  }

  /** Removes a settled job with all that is stored beside its record; the caller takes it off the queue's lists. */
  async purge(id: string): Promise<PurgeOutcome> {
    const [kind, detail = '', owner = ''] = await this.#redis.arrPurge(
      recordKey(this.#prefix, id),
      RECORD_VERSION,
    );
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
  }

  /** Whether the job is a dead letter: settled, with its request kept for a redrive. */
  async isDead(id: string): Promise<boolean> {
    const [dead, request] = await Promise.all([
      this.#redis.hget(recordKey(this.#prefix, id), 'dead'),
      this.#redis.exists(requestKey(this.#prefix, id)),
    ]);
    return dead === '1' && request === 1;
  }

  /** What a redrive would give the job; undefined where there is no record. */
  async readTerms(id: string): Promise<RunTerms | undefined> {
    const key = recordKey(this.#prefix, id);
    const [deadlineMs, openTtlMs, claim] = await this.#redis.hmget(
      key,
      ...['deadline_ms', 'open_ttl', 'claim'],
    );
    return deadlineMs && openTtlMs
      ? {
          ...{ deadlineMs: Number(deadlineMs), openTtlMs: Number(openTtlMs) },
          claimKey: claim || undefined,
        }
      : undefined;
  }

  async #cancel(id: string, tombstoneMs: number, hasClaim: boolean): Promise<AbandonOutcome> {
    const reply = await this.#redis.arrCancel(recordKey(this.#prefix, id), tombstoneMs, hasClaim ? '1' : '');
    const [kind, state] = reply;
    switch (kind) {
      case 'closed':
        return { kind, ...departure(reply) };
      case 'cancelling':
      case 'kept':
        return { kind };
      case 'settled':
        return { kind, state: state as SettledState };
      default:
        return { kind: 'missing' };
    }
  }
}

/** Reads state, owner, dead and expires_at, as lib.lua's `settle` returns them after the kind. */
const departure = ([, state, owner = '', dead, expiresAt]: readonly string[]): Departure => ({
  state: state as SettledState,
  owner,
  dead: dead === '1',
  expiresAt: Number(expiresAt),
});

function leased(id: string, reply: readonly string[]): AdvanceOutcome {
  const fields: Record<string, string> = {};
  for (let i = 2; i + 1 < reply.length; i += 2) {
    fields[String(reply[i])] = String(reply[i + 1]);
  }
  const record = parseJobRecord(id, fields);
  if (record === undefined) {
    return { kind: 'missing' };
  }
  return { kind: 'leased', record, run: fields['run'] ?? '1', lifeMs: record.expiresAt - Number(reply[1]) };
}
