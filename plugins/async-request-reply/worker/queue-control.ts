// What an attempt does to its whole queue, in all workers: it consults the circuit breaker, and pauses the queue.
import { CircuitBreaker, type BreakerSettings, type GateOutcome } from '../queue/circuit-breaker';
import { QueuePause, type PauseReason } from '../queue/queue-pause';
import type { RedisClient } from '../redis/redis-client';
import type { KeySpace } from '../redis/keys';

/** The longest pause for a probe: after it other workers consult the breaker again. */
const MAX_PROBE_PAUSE_MS = 10_000;

export class QueueControl {
  readonly name: string;
  readonly #breaker: CircuitBreaker;
  readonly #pause: QueuePause;

  constructor(redis: RedisClient, keys: KeySpace, name: string) {
    this.name = name;
    this.#breaker = new CircuitBreaker(redis, keys, name);
    this.#pause = new QueuePause(redis, keys, name);
  }

  /** Consults the breaker. The queue is paused while a probe is under way, so that no other job is taken in vain. */
  async gate(settings: BreakerSettings): Promise<GateOutcome> {
    const gate = await this.#breaker.gate(settings);
    if (gate.kind === 'probe') {
      await this.pause(Math.min(settings.attemptTimeoutMs, MAX_PROBE_PAUSE_MS), 'breaker');
    }
    return gate;
  }

  /** Reports to the breaker how an attempt ended. */
  async report(succeeded: boolean, wasProbe: boolean, settings: BreakerSettings): Promise<void> {
    if (await this.#breaker.report(succeeded, settings)) {
      await this.pause(settings.breakerOpenMs, 'breaker');
    } else if (wasProbe && succeeded) {
      await this.#pause.end('breaker');
    }
  }

  /** Lets no job of the queue start for `ms`, in any worker. */
  async pause(ms: number, reason: PauseReason): Promise<void> {
    await this.#pause.start(ms, reason);
  }
}
