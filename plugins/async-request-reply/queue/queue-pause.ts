// The pause of a queue: for a while none of its jobs starts, on any machine. It ends without a command, since both of its keys
// have a TTL. An administrator's pause is BullMQ's own and has no end.
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import { pauseQueue, resumeQueue } from './queue-scripts';

/** Why a queue is paused: the upstream's Retry-After, or the circuit breaker. */
export type PauseReason = 'retry-after' | 'breaker';

export interface Pause {
  readonly reason: PauseReason;
  /** What is left of it, in milliseconds. */
  readonly leftMs: number;
}

export class QueuePause {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;
  readonly #queue: string;

  constructor(redis: RedisClient, keys: KeySpace, queue: string) {
    this.#redis = redis;
    this.#keys = keys;
    this.#queue = queue;
  }

  /** Pauses the queue for `ms` from now on, 1 at least. A longer pause that is in force stays as it is. */
  async start(ms: number, reason: PauseReason): Promise<void> {
    await pauseQueue(this.#redis, {
      keys: this.#keys,
      queue: this.#queue,
      ms: Math.max(1, Math.ceil(ms)),
      reason,
    });
  }

  /**
   * Ends the pause. Workers see it within a second.
   *
   * @param reason ends only a pause for this reason; undefined is any.
   * @returns whether there was one.
   */
  async end(reason?: PauseReason): Promise<boolean> {
    return resumeQueue(this.#redis, { keys: this.#keys, queue: this.#queue, reason });
  }

  /** The pause in force, undefined if there is none. */
  async read(): Promise<Pause | undefined> {
    const key = this.#keys.pause(this.#queue);
    const [reason, leftMs] = await Promise.all([this.#redis.get(key), this.#redis.pttl(key)]);
    return reason === null || leftMs <= 0 ? undefined : { reason: reason as PauseReason, leftMs };
  }
}
