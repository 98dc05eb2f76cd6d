// Makes queues known to the workers, and again while jobs come in.
import type { NamedSettings } from '../jobs/job-settings';
import { whenReady } from '../redis/redis-client';
import type { ScriptedRedis } from '../redis/scripts';
import { registerQueue } from './queue-registry';
import type { KeySpace } from '../redis/keys';

/** An announcement is repeated by the first accept after this. */
const REGISTER_EVERY_MS = 30_000;

export class QueueRegistrar {
  readonly #redis: ScriptedRedis;
  readonly #keys: KeySpace;
  readonly #registeredAt = new Map<string, number>();

  constructor(redis: ScriptedRedis, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async register(queue: string, settings: NamedSettings, lifeMs: number): Promise<void> {
    await whenReady(this.#redis);
    await registerQueue(this.#redis, this.#keys, queue, settings, lifeMs);
    this.#registeredAt.set(`${queue} ${settings.hash}`, performance.now());
  }

  /** For a job that is accepted: nothing where the queue was announced a moment ago. */
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
