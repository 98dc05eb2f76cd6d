// Settings documents by their content hash. The document of a hash never changes, so it is read once.
import { readSettings } from '../queue/queue-registry';
import type { JobSettings } from '../jobs/job-settings';
import type { ScriptedRedis } from '../redis/scripts';

const MAX_DOCUMENTS = 1000;

export class SettingsCache {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;
  readonly #documents = new Map<string, JobSettings>();

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /** Returns the settings with this hash; undefined if Redis no longer has them, or they are of a newer version. */
  async get(hash: string): Promise<JobSettings | undefined> {
    const known = this.#documents.get(hash);
    if (known !== undefined) {
      return known;
    }
    const settings = await readSettings(this.#redis, this.#prefix, hash);
    if (settings !== undefined) {
      if (this.#documents.size >= MAX_DOCUMENTS) {
        this.#documents.clear();
      }
      this.#documents.set(hash, settings);
    }
    return settings;
  }
}
