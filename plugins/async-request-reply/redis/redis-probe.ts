// Checks whether a Redis replies, for health reports. One check at a time, so that the checks of many reports do not pile up in
// front of a Redis that is stopped.
import type { RedisClient } from './redis-client';

export class RedisProbe {
  readonly #redis: RedisClient;
  readonly #limitMs: number;
  #pinging: Promise<boolean> | undefined;

  constructor(redis: RedisClient, limitMs: number) {
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
