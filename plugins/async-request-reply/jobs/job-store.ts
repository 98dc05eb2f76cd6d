// The records of jobs in Redis. Scripts change them, each in one atomic step (jobs/job-scripts.ts); everything else here may be
// repeated. Both roles use it: the access side creates, reads and cancels jobs, and workers do the rest.
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import { encodeCallbackOptions } from './callback-options';
import type {
  AdvanceOutcome,
  AttemptEnd,
  CancelOutcome,
  CreateOutcome,
  PurgeOutcome,
  RedriveOutcome,
  RenewOutcome,
  RollbackOutcome,
  RunLimits,
  SettleOutcome,
} from './job-outcomes';
import { JobPayloads } from './job-payloads';
import { parseJobRecord, RECORD_VERSION, type JobRecord } from './job-record';
import { advanceJob, renewLease, settleAttempt } from './attempt-scripts';
import { cancelJob, consumeResult, createRecord, purgeRecord, redriveRecord } from './job-scripts';
import { requestBytes, submitMethod, type NewJob } from './new-job';

/** Life of a tombstone: far longer than any write can be on its way to Redis. */
export const TOMBSTONE_MS = 3_600_000;

export class JobStore {
  readonly payloads: JobPayloads;
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
    this.payloads = new JobPayloads(redis, keys);
  }

  /**
   * Writes request and record in one round trip. The record exists only if the request does.
   *
   * @param options `latestAt`: time of Redis, in ms, after which the record is not written; `confirmMs`: so long `examine` does not
   *   report the job as open, since its creator may still have to schedule it. 0 for none.
   */
  async create(
    job: NewJob,
    { latestAt = 0, confirmMs = 0 }: { latestAt?: number; confirmMs?: number } = {},
  ): Promise<CreateOutcome> {
    const [, outcome] = await Promise.all([
      // It is on the wire before the record.
      job.body === 'stored' ? undefined : this.payloads.putRequest(job, job.body),
      createRecord(this.#redis, {
        keys: this.#keys,
        id: job.id,
        openTtlMs: job.openTtlMs,
        deadlineMs: job.deadlineMs,
        delayMs: job.delayMs,
        latestAt,
        confirmMs,
        createdTtlMs: job.idempotency?.ttlMs ?? 0,
        fields: recordFields(job),
      }),
    ]);
    return outcome;
  }

  /** The record, or undefined if there is none (a tombstone is none). One round trip. */
  async read(id: string): Promise<JobRecord | undefined> {
    const record = parseJobRecord(id, await this.#redis.hgetall(this.#keys.record(id)));
    return record?.version === 0 ? undefined : record;
  }

  /** Takes the lease for an attempt with this token, or settles the job, or returns why not (jobs/lua/advance.lua). */
  async start(id: string, token: string, leaseMs: number): Promise<AdvanceOutcome> {
    return advanceJob(this.#redis, { keys: this.#keys, id, token, leaseMs });
  }

  /** Settles the job if time or a lost worker has ended it. Takes no lease. */
  async examine(id: string): Promise<AdvanceOutcome> {
    return advanceJob(this.#redis, { keys: this.#keys, id, token: '', leaseMs: 0 });
  }

  async renew(id: string, token: string, leaseMs: number): Promise<RenewOutcome> {
    return renewLease(this.#redis, { keys: this.#keys, id, token, leaseMs });
  }

  /** Ends the attempt that holds the lease with `token`. Writes nothing if another attempt holds it. */
  async settle(id: string, token: string, end: AttemptEnd): Promise<SettleOutcome> {
    return settleAttempt(this.#redis, { keys: this.#keys, id, token, end });
  }

  /** Cancels a job: at once if it waits, through its worker if it runs. */
  async cancel(id: string): Promise<CancelOutcome> {
    const outcome = await this.#cancel(id, 0, false);
    return outcome.kind === 'kept' ? { kind: 'cancelling' } : outcome;
  }

  /**
   * Cancels a submit whose outcome is not known, so that it does not run even if its writes arrive late.
   *
   * @param hasClaim the submit had an idempotency key: a job that a repeat was, or will be, answered with is kept.
   */
  async rollBack(id: string, hasClaim = false): Promise<RollbackOutcome> {
    return this.#cancel(id, TOMBSTONE_MS, hasClaim);
  }

  /** Opens a new run of a dead letter. The caller schedules it. */
  async redrive(id: string): Promise<RedriveOutcome> {
    return redriveRecord(this.#redis, { keys: this.#keys, id });
  }

  /** Removes a settled job with all that is stored beside its record. The caller removes it from the queue's lists. */
  async purge(id: string): Promise<PurgeOutcome> {
    return purgeRecord(this.#redis, { keys: this.#keys, id });
  }

  /**
   * Takes the one read of a result that can be read once.
   *
   * @param keepMs how long at most the response is kept for its sender; 0 removes it now.
   * @returns whether the read was still to be had.
   */
  async consumeResult(id: string, result: string, keepMs: number): Promise<boolean> {
    return consumeResult(this.#redis, { keys: this.#keys, id, result, keepMs });
  }

  /** Whether the job is a dead letter: settled, with its request kept for a redrive. */
  async isDead(id: string): Promise<boolean> {
    const [dead, request] = await Promise.all([
      this.#redis.hget(this.#keys.record(id), 'dead'),
      this.#redis.exists(this.#keys.request(id)),
    ]);
    return dead === '1' && request === 1;
  }

  /** What a redrive would give the job; undefined if there is no record. */
  async readRunLimits(id: string): Promise<RunLimits | undefined> {
    const [deadlineMs, openTtlMs, claim] = await this.#redis.hmget(
      this.#keys.record(id),
      'deadline_ms',
      'open_ttl',
      'claim',
    );
    if (!deadlineMs || !openTtlMs) {
      return undefined;
    }
    return { deadlineMs: Number(deadlineMs), openTtlMs: Number(openTtlMs), claimKey: claim || undefined };
  }

  #cancel(id: string, tombstoneMs: number, hasClaim: boolean): Promise<RollbackOutcome> {
    return cancelJob(this.#redis, { keys: this.#keys, id, tombstoneMs, hasClaim });
  }
}

/** The fields of a new record that do not depend on the time. */
function recordFields(job: NewJob): Record<string, string | number> {
  const fields: Record<string, string | number> = {
    v: RECORD_VERSION,
    queue: job.queue,
    method: submitMethod(job),
    owner: job.owner,
    max_attempts: job.maxAttempts,
    repeatable: job.repeatable ? '1' : '0',
    result_ttl: job.resultTtlMs,
    deadline_ms: job.deadlineMs,
    open_ttl: job.openTtlMs,
    request_bytes: requestBytes(job),
    settings: job.settingsHash,
    delete_after_read: job.deleteAfterRead === true ? '1' : '',
  };
  if (job.callback) {
    fields['callback'] = encodeCallbackOptions(job.id, job.callback, job.key);
  }
  if (job.idempotency) {
    fields['claim'] = job.idempotency.claimKey;
    fields['acknowledged'] = job.idempotency.isAdopted ? '1' : '';
  }
  return fields;
}
