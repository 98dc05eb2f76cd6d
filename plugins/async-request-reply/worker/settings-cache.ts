// Settings documents by their content hash. The document of a hash never changes, so it is read once.
import { readSettings } from '../queue/queue-registry';
import type { JobSettings } from '../jobs/job-settings';
import type { RedisClient } from '../redis/redis-client';
import type { KeySpace } from '../redis/keys';

const MAX_DOCUMENTS = 1000;

export class SettingsCache {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;
  readonly #documents = new Map<string, JobSettings>();

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Returns the settings with this hash; undefined if Redis no longer has them, or they are of a newer version. */
  async get(hash: string): Promise<JobSettings | undefined> {
    const known = this.#documents.get(hash);
    if (known !== undefined) {
      return known;
    }
    const settings = await readSettings(this.#redis, this.#keys, hash);
    if (settings !== undefined) {
      if (this.#documents.size >= MAX_DOCUMENTS) {
        this.#documents.clear();
      }
      this.#documents.set(hash, settings);
    }
    return settings;
  }
}
