// Registers queues with the workers, and repeats that while jobs are accepted.
import type { NamedSettings } from '../jobs/job-settings';
import { whenReady, type RedisClient } from '../redis/redis-client';
import { registerQueue } from './queue-registry';
import type { KeySpace } from '../redis/keys';

/** The first accept after this time repeats the registration. */
const REGISTER_EVERY_MS = 30_000;

export class QueueRegistrar {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;
  readonly #registeredAt = new Map<string, number>();

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async register(queue: string, settings: NamedSettings, lifeMs: number): Promise<void> {
    await whenReady(this.#redis);
    await registerQueue(this.#redis, this.#keys, { queue, settings, lifeMs });
    this.#registeredAt.set(`${queue} ${settings.hash}`, performance.now());
  }

  /** For a job that is accepted. Does nothing if the queue was registered a moment ago. */
  async registerWhenDue(
    job: { readonly queue: string; readonly openTtlMs: number },
    settings: NamedSettings,
  ): Promise<void> {
    const last = this.#registeredAt.get(`${job.queue} ${settings.hash}`);
    if (last === undefined || performance.now() - last > REGISTER_EVERY_MS) {
      await this.register(job.queue, settings, job.openTtlMs + 2 * REGISTER_EVERY_MS);
    }
  }
}
