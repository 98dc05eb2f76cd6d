// The hold of a queue: for a while none of its jobs starts, on any machine. It ends by itself, since both of its keys have
// a TTL, and is apart from an administrator's pause, which does not.
import type { KeySpace } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** Why a queue is held: what the upstream asked for, or what the circuit breaker decided. */
export type PauseReason = 'retry-after' | 'breaker';

export interface Pause {
  readonly reason: PauseReason;
  /** What is left of it, in milliseconds. */
  readonly leftMs: number;
}

export class QueuePause {
  readonly #redis: ScriptedRedis;
  readonly #keys: readonly [hold: string, limiter: string];

  constructor(redis: ScriptedRedis, keys: KeySpace, queue: string) {
    this.#redis = redis;
    this.#keys = [keys.pause(queue), keys.bullLimiter(queue)];
  }

  /** Holds the queue for `ms` from now on, 1 at least. A longer hold that is in force stays as it is. */
  async start(ms: number, reason: PauseReason): Promise<void> {
    await this.#redis.arrPause(...this.#keys, Math.max(1, Math.ceil(ms)), reason);
  }

  /**
   * Ends the hold. Workers see it within a second.
   *
   * @param reason only a hold for this reason; undefined is any.
   * @returns whether there was one.
   */
  async end(reason?: PauseReason): Promise<boolean> {
    return (await this.#redis.arrResume(...this.#keys, reason ?? '')) === 1;
  }

  /** The hold in force, undefined where there is none. */
  async read(): Promise<Pause | undefined> {
    const [hold] = this.#keys;
    const [reason, leftMs] = await Promise.all([this.#redis.get(hold), this.#redis.pttl(hold)]);
    return reason === null || leftMs <= 0 ? undefined : { reason: reason as PauseReason, leftMs };
  }
}
