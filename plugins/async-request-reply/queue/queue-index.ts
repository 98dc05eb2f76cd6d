// What a queue knows of its jobs beside BullMQ: slots under the limits, fair ranks, the jobs that are still open, and how many
// bytes they store (queue/storage-quota.ts). All of it is in the queue's slot of a Cluster, and every change may be repeated.
// If it differs from the records, the records are right.
import { createHash } from 'node:crypto';
import type { SettledSummary } from '../jobs/job-outcomes';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import type { SlotOutcome, SlotsFull } from './queue-outcomes';
import { addJob, checkSlots, releaseSlot, removeJob, reserveSlot } from './queue-scripts';

/** How long a slot is kept for a submit that has not been confirmed: far longer than any accept takes. */
export const PROVISIONAL_MS = 30_000;

/** Longer than a worker can be stopped between settling and removing a job without losing its lease. */
const REDRIVEN_MS = 600_000;

interface SlotRequest {
  readonly queue: string;
  readonly id: string;
  readonly owner: string;
  readonly maxWaiting: number;
  /** 0 is no limit. A job without an owner has none. */
  readonly maxPerCaller: number;
  readonly lifeMs: number;
  /** Of the request's body; undefined if they are counted already. */
  readonly bytes?: number;
  /** Of the bodies that the queue stores; absent or 0: no limit. */
  readonly maxStoredBytes?: number;
}

/** A job that was accepted, or is redriven or scheduled again. */
interface AddedJob {
  readonly queue: string;
  readonly id: string;
  readonly owner: string;
  /** To the deadline. */
  readonly deadlineMs: number;
  readonly lifeMs: number;
  readonly hasCallback: boolean;
  readonly requestBytes: number;
}

/** Which of the queue's lists a job is on. */
interface Membership {
  readonly waiting: boolean;
  readonly open: boolean;
  readonly dead: boolean;
}

/** `bytes` absent: the count of the job stays as it is. */
type RemovedJob = Omit<SettledSummary, 'state' | 'bytes'> & { readonly bytes?: number };

/** A caller as keys name it. It reveals neither the ID of a consumer nor a credential. */
const callerHash = (owner: string): string => createHash('sha256').update(owner).digest('hex').slice(0, 24);

export class QueueIndex {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async reserve(request: SlotRequest): Promise<SlotOutcome> {
    const { queue, id, owner } = request;
    return reserveSlot(this.#redis, {
      keys: this.#keys,
      queue,
      id,
      caller: callerHash(owner),
      maxWaiting: request.maxWaiting,
      provisionalMs: PROVISIONAL_MS,
      maxPerCaller: owner === '' ? 0 : request.maxPerCaller,
      lifeMs: request.lifeMs,
      bytes: request.bytes,
      maxStoredBytes: request.maxStoredBytes ?? 0,
    });
  }

  /** Whether all slots are taken. Only {@link reserve} decides. */
  async checkSlots(queue: string, maxWaiting: number): Promise<SlotsFull | 'free'> {
    return checkSlots(this.#redis, { keys: this.#keys, queue, maxWaiting });
  }

  /**
   * Adds a job: it keeps its slot until it starts or its deadline passes. It is open until it settles, and its request's
   * body counts as stored for as long.
   */
  async addJob({ owner, ...job }: AddedJob): Promise<void> {
    await addJob(this.#redis, { ...job, keys: this.#keys, caller: callerHash(owner) });
  }

  /** Releases the slot of a job that starts. */
  async releaseSlot(queue: string, id: string, rank: number): Promise<void> {
    await releaseSlot(this.#redis, { keys: this.#keys, queue, id, rank });
  }

  /** Removes a job that has settled, lists it if it is a dead letter, and counts what is still stored of it. */
  async removeJob(queue: string, id: string, settled: RemovedJob): Promise<void> {
    const { owner, dead, expiresAt, bytes } = settled;
    await removeJob(this.#redis, {
      keys: this.#keys,
      queue,
      id,
      caller: callerHash(owner),
      dead,
      expiresAt,
      bytes,
    });
  }

  /** Removes a job that was never created, or of which nothing is left. */
  async deleteJob(queue: string, id: string, owner: string): Promise<void> {
    await this.removeJob(queue, id, { owner, dead: false, expiresAt: 0, bytes: 0 });
  }

  /**
   * Adds a dead letter to the open jobs before its record changes, so that the sweeper finds it after a crash in between. A late
   * removal of the run that is over then changes nothing.
   *
   * @param expiresAt of the record before the redrive: it identifies the run.
   */
  async reopen(queue: string, id: string, expiresAt: number, deadlineAt: number): Promise<void> {
    await this.#redis.set(this.#keys.redriven(queue, id, expiresAt), '1', 'PX', REDRIVEN_MS);
    await this.#redis.zadd(this.#keys.openJobs(queue), deadlineAt, id);
  }

  async membership(queue: string, id: string): Promise<Membership> {
    const [slot, open, dead] = await Promise.all([
      this.#redis.zscore(this.#keys.slots(queue), id),
      this.#redis.zscore(this.#keys.openJobs(queue), id),
      this.#redis.zscore(this.#keys.deadLetters(queue), id),
    ]);
    return { waiting: slot !== null, open: open !== null, dead: dead !== null };
  }

  /** Removes a job that was redriven from the dead letters. */
  async removeDeadLetter(queue: string, id: string): Promise<void> {
    await this.#redis.zrem(this.#keys.deadLetters(queue), id);
  }
}
