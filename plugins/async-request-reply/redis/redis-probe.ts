// Asks whether a Redis answers, for health reports. One question at a time: a Redis that is stopped must not pile up those
// of every report.
import type { ScriptedRedis } from './scripts';

export class RedisProbe {
  readonly #redis: ScriptedRedis;
  readonly #limitMs: number;
  #pinging: Promise<boolean> | undefined;

  constructor(redis: ScriptedRedis, limitMs: number) {
    this.#redis = redis;
    this.#limitMs = limitMs;
  }

  /** Resolves within the limit, and never rejects. */
  async answers(): Promise<boolean> {
    if (this.#redis.status !== 'ready') {
      return false;
    }
    this.#pinging ??= this.#redis
      .time()
      .then(
        () => true,
        () => false,
      )
      .finally(() => (this.#pinging = undefined));
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#limitMs);
    });
    return Promise.race([this.#pinging, timedOut]).finally(() => clearTimeout(timer));
  }
}
