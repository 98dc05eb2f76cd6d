// What a queue knows of its jobs beside BullMQ: places under the caps, whose turn it is, the jobs that are still open, and
// how many bytes they store (queue/storage-quota.ts). All of it in the queue's slot, and every change may be repeated: the
// records are the truth.
import { createHash } from 'node:crypto';
import type { SettledSummary } from '../jobs/job-outcomes';
import {
  callbacksKey,
  callerJobsKey,
  callerRankKey,
  deadLettersKey,
  pauseKey,
  openJobsKey,
  slotsKey,
  redrivenKey,
  ranksKey,
} from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';
import type { ReserveOutcome } from './storage-quota';

/** How long a place is held for a submit that has not yet been confirmed: far over any accept. */
const PROVISIONAL_MS = 30_000;

/** Longer than a worker can be stopped between a job's settling and its leave without losing its lease. */
const REDRIVEN_MS = 600_000;

export interface SlotRequest {
  readonly queue: string;
  readonly id: string;
  readonly owner: string;
  readonly maxWaiting: number;
  /** 0 is no limit; without an owner there is none either. */
  readonly maxPerCaller: number;
  readonly lifeMs: number;
  /** Of the request's body; undefined where they are counted already. */
  readonly bytes?: number;
  /** Of the bodies that the queue stores; absent or 0: no limit. */
  readonly maxStoredBytes?: number;
}

export type SlotOutcome =
  /** `turn` counts from 1: jobs with a lower one go first. `at` is the time of Redis, in ms. For `heldMs` no job starts. */
  | { readonly kind: 'reserved'; readonly rank: number; readonly at: number; readonly pausedMs: number }
  | { readonly kind: 'full'; readonly settledPerMinute: number }
  | { readonly kind: 'caller-full' }
  | Extract<ReserveOutcome, { kind: 'bytes-full' }>;

/** On which of the queue's lists a job is. */
export interface Membership {
  readonly waiting: boolean;
  readonly open: boolean;
  readonly dead: boolean;
}

/** `bytes` absent: those of the job are counted as before. */
type RemovedJob = Omit<SettledSummary, 'state' | 'bytes'> & { readonly bytes?: number };

/** A caller as keys name it: neither the ID of a consumer nor a credential can be read from it. */
const callerHash = (owner: string): string => createHash('sha256').update(owner).digest('hex').slice(0, 24);

export class QueueIndex {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async reserve(request: SlotRequest): Promise<SlotOutcome> {
    const { queue, id, owner } = request;
    const caller = callerHash(owner);
    const [kind, detail, at, pausedMs] = await this.#redis.arrReserve(
      slotsKey(this.#prefix, queue),
      ranksKey(this.#prefix, queue),
      callerRankKey(this.#prefix, queue, caller),
      callerJobsKey(this.#prefix, queue, caller),
      pauseKey(this.#prefix, queue),
      id,
      request.maxWaiting,
      PROVISIONAL_MS,
      owner === '' ? 0 : request.maxPerCaller,
      request.lifeMs,
      request.bytes ?? '',
      request.maxStoredBytes ?? 0,
    );
    switch (kind) {
      case 'reserved':
        return { kind, rank: Number(detail), at: Number(at), pausedMs: Number(pausedMs) };
      case 'full':
        return { kind, settledPerMinute: Number(detail) };
      case 'bytes-full':
        return { kind, expiresInMs: Number(detail) };
      default:
        return { kind: 'caller-full' };
    }
  }

  /** Whether all places are taken, as far as a look can tell: the reservation has the last word. */
  async checkSlots(
    queue: string,
    maxWaiting: number,
  ): Promise<Extract<SlotOutcome, { kind: 'full' }> | 'free'> {
    const [kind, settled] = await this.#redis.arrCheckSlots(slotsKey(this.#prefix, queue), maxWaiting);
    return kind === 'full' ? { kind, settledPerMinute: Number(settled) } : 'free';
  }

  /**
   * Notes an accepted job: it keeps its place until it starts or `deadlineMs` are over, is open till it settles, and so
   * long its request's body counts among what is stored.
   */
  async addJob(
    queue: string,
    id: string,
    owner: string,
    deadlineMs: number,
    lifeMs: number,
    hasCallback = false,
    requestBytes = 0,
  ): Promise<void> {
    const keys = [...this.#jobKeys(queue, owner), callbacksKey(this.#prefix, queue)];
    await this.#redis.arrAddJob(...keys, id, deadlineMs, lifeMs, hasCallback ? '1' : '', requestBytes);
  }

  /** Frees the place of a job that starts. */
  async releaseSlot(queue: string, id: string, rank: number): Promise<void> {
    await this.#redis.arrReleaseSlot(slotsKey(this.#prefix, queue), ranksKey(this.#prefix, queue), id, rank);
  }

  /** Forgets a job that has settled, keeps a dead letter on its list, and counts what is still stored of the job. */
  async removeJob(queue: string, id: string, settled: RemovedJob): Promise<void> {
    const { owner, dead, expiresAt, bytes } = settled;
    const keys = [...this.#jobKeys(queue, owner), deadLettersKey(this.#prefix, queue)];
    await this.#redis.arrRemoveJob(...keys, id, dead ? '1' : '', expiresAt, bytes ?? '');
  }

  /** Forgets a job that never was, or of which nothing is left. */
  async deleteJob(queue: string, id: string, owner: string): Promise<void> {
    await this.removeJob(queue, id, { owner, dead: false, expiresAt: 0, bytes: 0 });
  }

  /**
   * Before a dead letter's record is changed: puts the job among the open ones, where a sweep finds it after a crash
   * in the middle, and keeps the run that is over from taking it out again.
   *
   * @param expiresAt the record's, from before the redrive: it tells the run from all others of the job.
   */
  async reopen(queue: string, id: string, expiresAt: number, deadlineAt: number): Promise<void> {
    await this.#redis.set(redrivenKey(this.#prefix, queue, id, expiresAt), '1', 'PX', REDRIVEN_MS);
    await this.#redis.zadd(openJobsKey(this.#prefix, queue), deadlineAt, id);
  }

  /** Where a job stands in its queue. */
  async membership(queue: string, id: string): Promise<Membership> {
    const [place, open, dead] = await Promise.all([
      this.#redis.zscore(slotsKey(this.#prefix, queue), id),
      this.#redis.zscore(openJobsKey(this.#prefix, queue), id),
      this.#redis.zscore(deadLettersKey(this.#prefix, queue), id),
    ]);
    return { waiting: place !== null, open: open !== null, dead: dead !== null };
  }

  /** Takes a job that was redriven from the list of the dead. */
  async removeDeadLetter(queue: string, id: string): Promise<void> {
    await this.#redis.zrem(deadLettersKey(this.#prefix, queue), id);
  }

  #jobKeys(queue: string, owner: string): [string, string, string] {
    return [
      slotsKey(this.#prefix, queue),
      openJobsKey(this.#prefix, queue),
      callerJobsKey(this.#prefix, queue, callerHash(owner)),
    ];
  }
}
