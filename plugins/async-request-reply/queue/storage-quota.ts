// How many bytes of bodies lie in Redis for a queue, over all processes: of each job what is stored of its request and its
// response, as long as it is. A limit is for what comes in: work that has been done is counted and never refused.
//
//   reserve.lua, bytes_hold ──add_job.lua──▶ request ──bytes_weigh──▶ request and last response
//                                             └──remove_job.lua──▶ what the settled job keeps ──bytes_keep──▶ less
//
// An entry goes by itself when the job's keys do. Each change may be repeated, and one that was lost with its process is
// made up for by the next, or by that time.
import { slotsKey, openJobsKey } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** `lapsesInMs`: until some of the bytes go by themselves. */
export type ReserveOutcome =
  { readonly kind: 'reserved' } | { readonly kind: 'bytes-full'; readonly expiresInMs: number };

export class StorageQuota {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /**
   * Counts the body of an upload, for `lifeMs`: `bytes` is all of it that is known of by now.
   *
   * @param maxBytes of the queue; 0 is no limit.
   */
  async reserve(
    queue: string,
    id: string,
    bytes: number,
    maxBytes: number,
    lifeMs: number,
  ): Promise<ReserveOutcome> {
    const [kind, expiresInMs] = await this.#redis.arrBytesReserve(
      slotsKey(this.#prefix, queue),
      id,
      bytes,
      maxBytes,
      lifeMs,
    );
    return kind === 'reserved' ? { kind } : { kind: 'bytes-full', expiresInMs: Number(expiresInMs) };
  }

  /**
   * Counts what is left of a job after something of it was removed; 0 forgets the job.
   *
   * @param withinMs when that goes by itself at the latest.
   */
  async shrink(queue: string, id: string, bytes: number, withinMs?: number): Promise<void> {
    await this.#redis.arrBytesShrink(slotsKey(this.#prefix, queue), id, bytes, withinMs ?? '');
  }

  /** Counts anew what is stored of an open job. */
  async setUsage(queue: string, id: string, bytes: number): Promise<void> {
    const keys = [slotsKey(this.#prefix, queue), openJobsKey(this.#prefix, queue)] as const;
    await this.#redis.arrBytesSet(...keys, id, bytes);
  }

  /** Forgets what has gone by itself. An accept does the same where it needs the room. */
  async expire(queue: string): Promise<void> {
    while ((await this.#redis.arrBytesExpire(slotsKey(this.#prefix, queue))) > 0) {
      // A batch at a time, so that nobody waits for long.
    }
  }

  async total(queue: string): Promise<number> {
    return this.#redis.arrBytesTotal(slotsKey(this.#prefix, queue));
  }
}
