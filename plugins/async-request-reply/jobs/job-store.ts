// The records of the jobs in Redis. Their changes are Lua scripts, each atomic; everything else here may be repeated. Both
// roles use it: the access side to create, read and cancel, workers for the rest.
import {
  parseJobRecord,
  RECORD_VERSION,
  type JobRecord,
  type JobState,
  type SettledState,
} from './job-record';
import { encodeCallbackOptions } from './callback-options';
import { JobPayloads } from './job-payloads';
import type {
  RollbackOutcome,
  AdvanceOutcome,
  AttemptEnd,
  CancelOutcome,
  CreateOutcome,
  SettledSummary,
  PurgeOutcome,
  RedriveOutcome,
  RenewOutcome,
  RunLimits,
  SettleOutcome,
} from './job-outcomes';
import { recordKey, requestKey } from '../redis/keys';
import { requestBytes, submitMethod, type NewJob } from './new-job';
import type { ScriptedRedis } from '../redis/scripts';

/** Long enough for a write that was abandoned in some buffer to arrive. */
const TOMBSTONE_MS = 3_600_000;

export class JobStore {
  readonly payloads: JobPayloads;
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.payloads = new JobPayloads(redis, prefix);
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
      // On the wire before the record's.
      job.body === 'stored' ? undefined : this.payloads.putRequest(job, job.body),
      this.#redis.arrCreate(
        recordKey(this.#prefix, job.id),
        job.openTtlMs,
        job.deadlineMs,
        Math.ceil(job.delayMs),
        Math.floor(latestAt),
        confirmMs,
        job.idempotency?.ttlMs ?? 0,
        'v',
        RECORD_VERSION,
        'queue',
        job.queue,
        'method',
        submitMethod(job),
        'owner',
        job.owner,
        'max_attempts',
        job.maxAttempts,
        'repeatable',
        job.repeatable ? '1' : '0',
        'result_ttl',
        job.resultTtlMs,
        'deadline_ms',
        job.deadlineMs,
        'open_ttl',
        job.openTtlMs,
        'request_bytes',
        requestBytes(job),
        'settings',
        job.settingsHash,
        'delete_after_read',
        job.deleteAfterRead === true ? '1' : '',
        ...(job.callback ? ['callback', encodeCallbackOptions(job.id, job.callback, job.key)] : []),
        ...(job.idempotency
          ? ['claim', job.idempotency.claimKey, 'acknowledged', job.idempotency.isAdopted ? '1' : '']
          : []),
      ),
    ]);
    return kind === 'created'
      ? { kind, createdAt: Number(createdAt), deadlineAt: Number(deadlineAt) }
      : { kind: kind === 'too-late' ? 'too-late' : 'duplicate' };
  }

  /** The record, or undefined where there is none (a tombstone is none). One round trip. */
  async read(id: string): Promise<JobRecord | undefined> {
    const record = parseJobRecord(id, await this.#redis.hgetall(recordKey(this.#prefix, id)));
    return record?.version === 0 ? undefined : record;
  }

  /** Takes the lease for an attempt with this token, or settles, or says why not: jobs/lua/advance.lua. */
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
      case 'already-settled':
      case 'settled-now':
        return { kind, ...settledSummary(reply) };
      case 'leased-elsewhere':
      case 'not-due':
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
    );
    const [kind, detail] = reply;
    switch (kind) {
      case 'settled-now':
        return { kind, ...settledSummary(reply) };
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
  async rollBack(id: string, hasClaim = false): Promise<RollbackOutcome> {
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
  async readRunLimits(id: string): Promise<RunLimits | undefined> {
    const key = recordKey(this.#prefix, id);
    const [deadlineMs, openTtlMs, claim] = await this.#redis.hmget(key, 'deadline_ms', 'open_ttl', 'claim');
    return deadlineMs && openTtlMs
      ? {
          deadlineMs: Number(deadlineMs),
          openTtlMs: Number(openTtlMs),
          claimKey: claim || undefined,
        }
      : undefined;
  }

  async #cancel(id: string, tombstoneMs: number, hasClaim: boolean): Promise<RollbackOutcome> {
    const reply = await this.#redis.arrCancel(recordKey(this.#prefix, id), tombstoneMs, hasClaim ? '1' : '');
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
  }
}

/** Reads state, owner, dead, expires_at and bytes, as record.lua's `settle` returns them after the kind. */
const settledSummary = ([
  ,
  state,
  owner = '',
  dead,
  expiresAt,
  bytes,
]: readonly string[]): SettledSummary => ({
  state: state as SettledState,
  owner,
  dead: dead === '1',
  expiresAt: Number(expiresAt),
  bytes: Number(bytes),
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
