// The circuit breaker of a queue: failures in a row hold the queue back on all machines, and one probe reopens it.
// Its state is in Redis (queue/lua/breaker.lua), apart from an administrator's pause, which is BullMQ's.
import type { JobSettings } from '../jobs/job-settings';
import type { KeySpace } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

export type GateOutcome = { readonly kind: 'go' | 'probe' } | { readonly kind: 'wait'; readonly ms: number };

export type BreakerSettings = Pick<JobSettings, 'breakerFailures' | 'breakerOpenMs' | 'attemptTimeoutMs'>;

/** What a probe may take over its attempt's time limit before another is let through. */
const PROBE_SLACK_MS = 1000;

export class CircuitBreaker {
  readonly #redis: ScriptedRedis;
  readonly #key: string;

  constructor(redis: ScriptedRedis, keys: KeySpace, queue: string) {
    this.#redis = redis;
    this.#key = keys.breaker(queue);
  }

  /** Whether a call may be made now; `probe` is the one that decides whether the others may follow. */
  async gate(settings: BreakerSettings): Promise<GateOutcome> {
    if (settings.breakerFailures === 0) {
      return { kind: 'go' };
    }
    const probeMs = settings.attemptTimeoutMs + PROBE_SLACK_MS;
    const [kind, ms] = await this.#run('gate', settings, probeMs);
    return kind === 'wait' ? { kind, ms: Number(ms) } : { kind: kind === 'probe' ? 'probe' : 'go' };
  }

  /** Counts an attempt's end. @returns whether the breaker is open now. */
  async report(succeeded: boolean, settings: BreakerSettings): Promise<boolean> {
    if (settings.breakerFailures === 0) {
      return false;
    }
    const [state] = await this.#run(succeeded ? 'success' : 'failure', settings, 0);
    return state === 'opened';
  }

  #run(event: string, settings: BreakerSettings, probeMs: number): Promise<string[]> {
    return this.#redis.arrBreaker(
      this.#key,
      event,
      settings.breakerFailures,
      settings.breakerOpenMs,
      probeMs,
    );
  }
}
