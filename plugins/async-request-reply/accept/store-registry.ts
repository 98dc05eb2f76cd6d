// The connections of the process, one for each Redis and key prefix that is in use. Whoever uses one has it on lease: an
// instance of the plugin as long as it is the newest of its kind (instance-stores.ts), and each request while it is under way.
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

/** A store that nobody uses stays open for so long: requests of instances that were replaced may still come. */
const LINGER_MS = 10_000;

export interface StoreLease {
  readonly store: AccessStore;
  /** Gives it back; idempotent. */
  readonly release: () => void;
}

/** Takes a store on lease, opened if need be. Does not wait for Redis. */
export type OpenStore = () => StoreLease;

/** Told of each Redis and key prefix that comes into use, and goes out of use; once for each way of connecting to it. */
export interface StoreWatcher {
  readonly opened: (redis: RedisSettings, keyPrefix: string) => void;
  readonly closed: (redis: RedisSettings, keyPrefix: string) => void;
}

interface Entry {
  readonly store: AccessStore;
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  leases: number;
  /** Ends the store; undefined while it is in use. */
  timer: NodeJS.Timeout | undefined;
}

export class StoreRegistry {
  /** The requests that the process holds, whatever their Redis. */
  readonly requests = new WaitingRequests();
  /** May be set before the first store is opened. */
  watcher: StoreWatcher | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #signals = new Map<string, SettleSignals>();
  readonly #closing = new Set<Promise<void>>();
  readonly #onError: (error: Error) => void;
  readonly #lingerMs: number;

  /** @param onError is told of connection errors; it must not throw. */
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
      let isOut = true;
      const release = (): void => {
        if (isOut) {
          isOut = false;
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
    // A registry that was closed has let go of it.
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

  /** What tells of settled jobs in this Redis, whatever their prefix. It connects when somebody waits. */
  #signalsOf(redis: RedisSettings): SettleSignals {
    const key = connectionKey(redis);
    let signals = this.#signals.get(key);
    if (signals === undefined) {
      signals = new SettleSignals(() => openSignalClient(redis, this.#onError));
      this.#signals.set(key, signals);
    }
    return signals;
  }

  /** Which of the Redis in use do not answer now, by where they are. */
  async silent(): Promise<string[]> {
    const entries = [...this.#entries.values()].filter(({ leases }) => leases > 0);
    const answers = await Promise.all(entries.map(({ store }) => store.answers()));
    const names = entries.filter((_entry, index) => !answers[index]).map(({ redis }) => nameOfRedis(redis));
    return [...new Set(names)];
  }

  /** Closes every store, whoever has it. */
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
