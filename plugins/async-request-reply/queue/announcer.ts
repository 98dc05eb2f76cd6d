// Makes queues known to the workers, and again while jobs come in.
import type { NamedSettings } from '../jobs/job-settings';
import { whenReady } from '../redis/redis-client';
import type { ScriptedRedis } from '../redis/scripts';
import { announce } from './announcement';

/** An announcement is repeated by the first accept after this. */
const ANNOUNCE_EVERY_MS = 30_000;

export class Announcer {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;
  readonly #announcedAt = new Map<string, number>();

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async announce(queue: string, settings: NamedSettings, lifeMs: number): Promise<void> {
    await whenReady(this.#redis);
    await announce(this.#redis, this.#prefix, queue, settings, lifeMs);
    this.#announcedAt.set(`${queue} ${settings.hash}`, performance.now());
  }

  /** For a job that is accepted: nothing where the queue was announced a moment ago. */
  async announceWhenDue(
    job: { readonly queue: string; readonly openTtlMs: number },
    settings: NamedSettings,
  ): Promise<void> {
    const last = this.#announcedAt.get(`${job.queue} ${settings.hash}`);
    if (last === undefined || performance.now() - last > ANNOUNCE_EVERY_MS) {
      await this.announce(job.queue, settings, job.openTtlMs + 2 * ANNOUNCE_EVERY_MS);
    }
  }
}
