// How many bytes of bodies are stored in Redis for a queue, over all processes: for each job what is stored of its request and
// its response. The limit applies to new requests only. The result of a call that was made is counted and never rejected.
//
//   reserve.lua, bytes_reserve ──add_job.lua──▶ request ──bytes_set──▶ request and last response
//                                                └──remove_job.lua──▶ what the settled job keeps ──bytes_shrink──▶ less
//
// An entry expires when the job's keys do. Each change may be repeated. A change that was lost with its process is corrected by
// the next one, or when the entry expires.
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import type { ReserveOutcome } from './queue-outcomes';
import { expireBytes, reserveBytes, setBytes, shrinkBytes, totalBytes } from './quota-scripts';

export class StorageQuota {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /**
   * Counts the body of an upload for `lifeMs`.
   *
   * @param bytes all that is known of the body by now.
   * @param maxBytes of the queue; 0 is no limit.
   */
  async reserve(
    queue: string,
    id: string,
    {
      bytes,
      maxBytes,
      lifeMs,
    }: { readonly bytes: number; readonly maxBytes: number; readonly lifeMs: number },
  ): Promise<ReserveOutcome> {
    return reserveBytes(this.#redis, { keys: this.#keys, queue, id, bytes, maxBytes, lifeMs });
  }

  /**
   * Counts what is left of a job after something of it was removed. 0 removes the entry.
   *
   * @param withinMs after this time at the latest the rest expires.
   */
  async shrink(queue: string, id: string, bytes: number, withinMs?: number): Promise<void> {
    await shrinkBytes(this.#redis, { keys: this.#keys, queue, id, bytes, withinMs });
  }

  /** Sets what is stored of an open job. */
  async setUsage(queue: string, id: string, bytes: number): Promise<void> {
    await setBytes(this.#redis, { keys: this.#keys, queue, id, bytes });
  }

  /** Removes entries that have expired. An accept does the same if it needs the room. */
  async expire(queue: string): Promise<void> {
    while ((await expireBytes(this.#redis, { keys: this.#keys, queue })) > 0) {
      // A batch at a time, so that other commands do not wait for long.
    }
  }

  async total(queue: string): Promise<number> {
    return totalBytes(this.#redis, { keys: this.#keys, queue });
  }
}
