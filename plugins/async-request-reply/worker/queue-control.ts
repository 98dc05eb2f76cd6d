// What a job's turn may do to its whole queue: hold it back for a while, on all machines, and let it go again.
import type { Queue } from 'bullmq';
import { CircuitBreaker, type BreakerSettings, type GateOutcome } from '../queue/circuit-breaker';
import type { ScriptedRedis } from '../store/scripts';

/** The longest that the queue is held for a probe: other workers ask the breaker again after it. */
const MAX_PROBE_HOLD_MS = 10_000;

export class QueueControl {
  readonly name: string;
  readonly #scheduler: Queue;
  readonly #breaker: CircuitBreaker;

  constructor(redis: ScriptedRedis, prefix: string, name: string, scheduler: Queue) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#breaker = new CircuitBreaker(redis, prefix, name);
  }

  /** Asks the breaker. While a probe is under way the queue is held, so that the others are not taken in vain. */
  async gate(settings: BreakerSettings): Promise<GateOutcome> {
    const gate = await this.#breaker.gate(settings);
    if (gate.kind === 'probe') {
      await this.hold(Math.min(settings.attemptTimeoutMs, MAX_PROBE_HOLD_MS));
    }
    return gate;
  }

  /** Tells the breaker how an attempt ended. */
  async report(succeeded: boolean, wasProbe: boolean, settings: BreakerSettings): Promise<void> {
    if (await this.#breaker.report(succeeded, settings)) {
      await this.hold(settings.breakerOpenMs);
    } else if (wasProbe && succeeded) {
      await this.#scheduler.removeRateLimitKey();
    }
  }

  /** No job of the queue starts anywhere for so long. It heals by itself: BullMQ's rate limit has a TTL. */
  async hold(ms: number): Promise<void> {
    await this.#scheduler.rateLimit(Math.max(1, Math.ceil(ms)));
  }
}
