// The circuit breaker of a queue: failures in a row pause the queue on all machines, and one probe reopens it. Its state is in
// Redis (queue/lua/breaker.lua), apart from an administrator's pause, which is BullMQ's.
import type { JobSettings } from '../jobs/job-settings';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import type { BreakerReply } from './queue-outcomes';
import { runBreaker } from './queue-scripts';

export type GateOutcome = { readonly kind: 'go' | 'probe' } | { readonly kind: 'wait'; readonly ms: number };

export type BreakerSettings = Pick<JobSettings, 'breakerFailures' | 'breakerOpenMs' | 'attemptTimeoutMs'>;

/** How much longer than its attempt's time limit a probe may take before another one is made. */
const PROBE_SLACK_MS = 1000;

export class CircuitBreaker {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;
  readonly #queue: string;

  constructor(redis: RedisClient, keys: KeySpace, queue: string) {
    this.#redis = redis;
    this.#keys = keys;
    this.#queue = queue;
  }

  /** Whether a call may be made now. The outcome of a `probe` decides whether other calls may follow. */
  async gate(settings: BreakerSettings): Promise<GateOutcome> {
    if (settings.breakerFailures === 0) {
      return { kind: 'go' };
    }
    const reply = await this.#run('gate', settings, settings.attemptTimeoutMs + PROBE_SLACK_MS);
    return reply.kind === 'wait' ? reply : { kind: reply.kind === 'probe' ? 'probe' : 'go' };
  }

  /** Counts the end of an attempt. @returns whether the breaker is open now. */
  async report(succeeded: boolean, settings: BreakerSettings): Promise<boolean> {
    if (settings.breakerFailures === 0) {
      return false;
    }
    const { kind } = await this.#run(succeeded ? 'success' : 'failure', settings, 0);
    return kind === 'opened';
  }

  #run(
    event: 'gate' | 'success' | 'failure',
    settings: BreakerSettings,
    probeMs: number,
  ): Promise<BreakerReply> {
    return runBreaker(this.#redis, {
      keys: this.#keys,
      queue: this.#queue,
      event,
      failures: settings.breakerFailures,
      openMs: settings.breakerOpenMs,
      probeMs,
    });
  }
}
