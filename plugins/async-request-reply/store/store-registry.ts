// The connections of the process, one for each Redis and key prefix that plugin instances name. Instances come
// and go without notice; connections stay until the process ends.
import { AccessStore } from './access-store';
import { HeldRequests } from './held-requests';
import { nameOfRedis, openAccessClient, openSignalClient, placeOf, type RedisSettings } from './redis-client';
import { SettleSignals } from './settle-signals';

export class StoreRegistry {
  /** The requests that the process holds, whatever their Redis. */
  readonly held = new HeldRequests();
  readonly #stores = new Map<string, AccessStore>();
  readonly #signals = new Map<string, SettleSignals>();
  readonly #names = new Map<AccessStore, string>();
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
      store = new AccessStore(openAccessClient(redis, this.#onError), keyPrefix, redis.read_timeout, {
        held: this.held,
        signals: this.#signalsOf(redis),
      });
      this.#stores.set(key, store);
      this.#names.set(store, nameOfRedis(redis));
    }
    return store;
  }

  /** What tells of settled jobs in this Redis, whatever their prefix. It connects when somebody waits. */
  #signalsOf(redis: RedisSettings): SettleSignals {
    const key = placeOf(redis);
    let signals = this.#signals.get(key);
    if (signals === undefined) {
      signals = new SettleSignals(() => openSignalClient(redis, this.#onError));
      this.#signals.set(key, signals);
    }
    return signals;
  }

  /** Which of the Redis in use do not answer now, by where they are. */
  async silent(): Promise<string[]> {
    const stores = [...this.#stores.values()];
    const answers = await Promise.all(stores.map((store) => store.answers()));
    const names = stores
      .filter((_store, index) => !answers[index])
      .map((store) => this.#names.get(store) ?? '');
    return [...new Set(names)];
  }

  async close(): Promise<void> {
    const stores = [...this.#stores.values()].reverse();
    this.#stores.clear();
    await Promise.all(stores.map((store) => store.close()));
    for (const signals of this.#signals.values()) {
      signals.close();
    }
    this.#signals.clear();
  }
}
