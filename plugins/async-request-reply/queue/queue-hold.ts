// The hold of a queue: for a while none of its jobs starts, on any machine. It ends by itself, since both of its keys have
// a TTL, and is apart from an administrator's pause, which does not.
import { bullLimiterKey, holdKey } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** Why a queue is held: what the upstream asked for, or what the circuit breaker decided. */
export type HoldReason = 'retry-after' | 'breaker';

export interface Hold {
  readonly reason: HoldReason;
  /** What is left of it, in milliseconds. */
  readonly leftMs: number;
}

export class QueueHold {
  readonly #redis: ScriptedRedis;
  readonly #keys: readonly [hold: string, limiter: string];

  constructor(redis: ScriptedRedis, prefix: string, queue: string) {
    this.#redis = redis;
    this.#keys = [holdKey(prefix, queue), bullLimiterKey(prefix, queue)];
  }

  /** Holds the queue for `ms` from now on, 1 at least. A longer hold that is in force stays as it is. */
  async start(ms: number, reason: HoldReason): Promise<void> {
    await this.#redis.arrHold(...this.#keys, Math.max(1, Math.ceil(ms)), reason);
  }

  /**
   * Ends the hold. Workers see it within a second.
   *
   * @param reason only a hold for this reason; undefined is any.
   * @returns whether there was one.
   */
  async lift(reason?: HoldReason): Promise<boolean> {
    return (await this.#redis.arrLift(...this.#keys, reason ?? '')) === 1;
  }

  /** The hold in force, undefined where there is none. */
  async read(): Promise<Hold | undefined> {
    const [hold] = this.#keys;
    const [reason, leftMs] = await Promise.all([this.#redis.get(hold), this.#redis.pttl(hold)]);
    return reason === null || leftMs <= 0 ? undefined : { reason: reason as HoldReason, leftMs };
  }
}
