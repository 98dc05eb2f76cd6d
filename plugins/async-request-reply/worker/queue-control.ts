// What a job's turn may do to its whole queue: hold it back for a while, on all machines, and let it go again.
import { CircuitBreaker, type BreakerSettings, type GateOutcome } from '../queue/circuit-breaker';
import { QueuePause, type PauseReason } from '../queue/queue-pause';
import type { RedisClient } from '../redis/redis-client';
import type { KeySpace } from '../redis/keys';

/** The longest that the queue is held for a probe: other workers ask the breaker again after it. */
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

  /** Asks the breaker. While a probe is under way the queue is held, so that the others are not taken in vain. */
  async gate(settings: BreakerSettings): Promise<GateOutcome> {
    const gate = await this.#breaker.gate(settings);
    if (gate.kind === 'probe') {
      await this.pause(Math.min(settings.attemptTimeoutMs, MAX_PROBE_PAUSE_MS), 'breaker');
    }
    return gate;
  }

  /** Tells the breaker how an attempt ended. */
  async report(succeeded: boolean, wasProbe: boolean, settings: BreakerSettings): Promise<void> {
    if (await this.#breaker.report(succeeded, settings)) {
      await this.pause(settings.breakerOpenMs, 'breaker');
    } else if (wasProbe && succeeded) {
      await this.#pause.end('breaker');
    }
  }

  /** No job of the queue starts anywhere for so long. */
  async pause(ms: number, reason: PauseReason): Promise<void> {
    await this.#pause.start(ms, reason);
  }
}
