// The stores of the process, one for each Redis and key prefix in use. Each user leases a store: an instance of the plugin as
// long as it is the latest of its configuration (instance-stores.ts), and each request until it is answered.
import { AccessStore } from './access-store';
import { WaitingRequests } from '../waiting/waiting-requests';
import {
  nameOfRedis,
  openAccessClient,
  openSignalClient,
  connectionKey,
  type RedisSettings,
} from '../redis/redis-client';
import { SettleSignals } from '../waiting/settle-signals';
import { KeySpace } from '../redis/keys';

/** How long an unused store stays open: requests to instances that were replaced may still arrive. */
const LINGER_MS = 10_000;

export interface StoreLease {
  readonly store: AccessStore;
  /** Ends the lease; idempotent. */
  readonly release: () => void;
}

/** Leases a store, and opens it if necessary. Does not wait for Redis. */
export type OpenStore = () => StoreLease;

/** Notified of each Redis and key prefix that comes into use or goes out of use, once for each set of connection settings. */
interface StoreWatcher {
  readonly opened: (redis: RedisSettings, keyPrefix: string) => void;
  readonly closed: (redis: RedisSettings, keyPrefix: string) => void;
}

interface Entry {
  readonly store: AccessStore;
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  leases: number;
  /** Closes the store; undefined while it is in use. */
  timer: NodeJS.Timeout | undefined;
}

export class StoreRegistry {
  /** The waiting requests of the process, for all its Redis. */
  readonly requests = new WaitingRequests();
  /** May be set before the first store is opened. */
  watcher: StoreWatcher | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #signals = new Map<string, SettleSignals>();
  readonly #closing = new Set<Promise<void>>();
  readonly #onError: (error: Error) => void;
  readonly #lingerMs: number;

  /** @param onError is called with connection errors; it must not throw. */
  constructor(onError: (error: Error) => void, lingerMs = LINGER_MS) {
    this.#onError = onError;
    this.#lingerMs = lingerMs;
  }

  opener(redis: RedisSettings, keyPrefix: string): OpenStore {
    const key = JSON.stringify([redis, keyPrefix]);
    return () => {
      const entry = this.#entries.get(key) ?? this.#open(key, redis, keyPrefix);
      clearTimeout(entry.timer);
      entry.timer = undefined;
      entry.leases += 1;
      let isReleased = false;
      const release = (): void => {
        if (!isReleased) {
          isReleased = true;
          this.#release(key, entry);
        }
      };
      return { store: entry.store, release };
    };
  }

  #open(key: string, redis: RedisSettings, keyPrefix: string): Entry {
    const client = openAccessClient(redis, this.#onError);
    const waiting = { requests: this.requests, signals: this.#signalsOf(redis) };
    const store = new AccessStore(client, new KeySpace(keyPrefix), redis.read_timeout, waiting);
    const entry: Entry = { store, redis, keyPrefix, leases: 0, timer: undefined };
    this.#entries.set(key, entry);
    this.watcher?.opened(redis, keyPrefix);
    return entry;
  }

  #release(key: string, entry: Entry): void {
    entry.leases -= 1;
    // A closed registry has removed the entry.
    if (entry.leases === 0 && this.#entries.get(key) === entry) {
      entry.timer = setTimeout(() => this.#close(key, entry), this.#lingerMs);
    }
  }

  #close(key: string, entry: Entry): void {
    this.#entries.delete(key);
    const connection = connectionKey(entry.redis);
    if (![...this.#entries.values()].some(({ redis }) => connectionKey(redis) === connection)) {
      this.#signals.get(connection)?.close();
      this.#signals.delete(connection);
    }
    this.watcher?.closed(entry.redis, entry.keyPrefix);
    const closing = entry.store.close().catch((error: unknown) => {
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    });
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  /** Returns the signals of settled jobs in this Redis, for all key prefixes. They connect when the first request waits. */
  #signalsOf(redis: RedisSettings): SettleSignals {
    const key = connectionKey(redis);
    let signals = this.#signals.get(key);
    if (signals === undefined) {
      signals = new SettleSignals(() => openSignalClient(redis, this.#onError));
      this.#signals.set(key, signals);
    }
    return signals;
  }

  /** Returns the locations of the Redis in use that do not answer now. */
  async silent(): Promise<string[]> {
    const entries = [...this.#entries.values()].filter(({ leases }) => leases > 0);
    const answers = await Promise.all(entries.map(({ store }) => store.answers()));
    const names = entries.filter((_entry, index) => !answers[index]).map(({ redis }) => nameOfRedis(redis));
    return [...new Set(names)];
  }

  /** Closes every store, also leased ones. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()].reverse();
    this.#entries.clear();
    entries.forEach(({ timer }) => clearTimeout(timer));
    await Promise.all([...entries.map(({ store }) => store.close()), ...this.#closing]);
    for (const signals of this.#signals.values()) {
      signals.close();
    }
    this.#signals.clear();
  }
}
