// The connections of the process, one for each Redis and key prefix that plugin instances name. Instances come
// and go without notice; connections stay until the process ends.
import { openAccessClient, type RedisSettings } from './redis-client';
import { AccessStore } from './access-store';

export class StoreRegistry {
  readonly #stores = new Map<string, AccessStore>();
  readonly #onError: (error: Error) => void;

  /** @param onError is told of connection errors; it must not throw. */
  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  /** The store for these settings, opened at its first use. Does not wait for Redis. */
  open(redis: RedisSettings, keyPrefix: string): AccessStore {
    const key = JSON.stringify([redis, keyPrefix]);
    let store = this.#stores.get(key);
    if (store === undefined) {
      store = new AccessStore(openAccessClient(redis, this.#onError), keyPrefix, redis.read_timeout);
      this.#stores.set(key, store);
    }
    return store;
  }

  async close(): Promise<void> {
    const stores = [...this.#stores.values()].reverse();
    this.#stores.clear();
    await Promise.all(stores.map((store) => store.close()));
  }
}
