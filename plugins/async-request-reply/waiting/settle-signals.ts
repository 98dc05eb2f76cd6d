// Receives messages about jobs that settle: one subscription per job with a waiting request, all on one connection (on a Cluster
// one per node), which is opened for the first of them. A message can be lost with the connection. So each listener is notified
// when messages begin to arrive, and then has to read the record itself.
import type { RedisClient } from '../redis/redis-client';

interface SettleListener {
  /** The job has settled. */
  settled(): void;
  /** From now on no message is lost, until this is called again. */
  listening(): void;
}

interface Subscription {
  readonly listeners: Set<SettleListener>;
  /** Whether Redis has confirmed it on the current connection. */
  isConfirmed: boolean;
}

export class SettleSignals {
  readonly #open: () => RedisClient;
  readonly #subscriptions = new Map<string, Subscription>();
  #redis: RedisClient | undefined;

  /** @param open opens a connection that subscribes to nothing on its own. */
  constructor(open: () => RedisClient) {
    this.#open = open;
  }

  /**
   * Listens on a channel of redis/keys.ts. If Redis is away, the listener is notified when it is back.
   *
   * @returns a function that ends the listening; idempotent.
   */
  listen(channel: string, listener: SettleListener): () => void {
    const redis = this.#connection();
    const known = this.#subscriptions.get(channel);
    if (known !== undefined) {
      known.listeners.add(listener);
      if (known.isConfirmed) {
        listener.listening();
      }
    } else {
      this.#subscriptions.set(channel, { listeners: new Set([listener]), isConfirmed: false });
      if (redis.status === 'ready') {
        void this.#subscribe(redis, channel);
      }
    }
    return () => this.#unlisten(redis, channel, listener);
  }

  #unlisten(redis: RedisClient, channel: string, listener: SettleListener): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription?.listeners.delete(listener) !== true || subscription.listeners.size > 0) {
      return;
    }
    this.#subscriptions.delete(channel);
    if (redis.status === 'ready') {
      // Without a connection there is no subscription to end.
      redis.sunsubscribe(channel).catch(() => undefined);
    }
  }

  #connection(): RedisClient {
    if (this.#redis !== undefined) {
      return this.#redis;
    }
    const redis = this.#open();
    this.#redis = redis;
    const subscribeAll = (): void => {
      for (const [channel, subscription] of this.#subscriptions) {
        subscription.isConfirmed = false;
        void this.#subscribe(redis, channel);
      }
    };
    // Only a Cluster emits the second event: the connections to its nodes have changed.
    redis.on('ready', subscribeAll).on('subscribersReady', subscribeAll);
    redis.on('close', () => {
      for (const subscription of this.#subscriptions.values()) {
        subscription.isConfirmed = false;
      }
    });
    redis.on('smessage', (channel: string) => {
      for (const listener of [...(this.#subscriptions.get(channel)?.listeners ?? [])]) {
        listener.settled();
      }
    });
    return redis;
  }

  async #subscribe(redis: RedisClient, channel: string): Promise<void> {
    try {
      await redis.ssubscribe(channel);
    } catch {
      return; // The connection is lost. The next one subscribes again.
    }
    const subscription = this.#subscriptions.get(channel);
    if (subscription !== undefined && redis.status === 'ready') {
      subscription.isConfirmed = true;
      for (const listener of [...subscription.listeners]) {
        listener.listening();
      }
    }
  }

  /** Closes the connection. Listeners are not notified any more. Idempotent. */
  close(): void {
    this.#subscriptions.clear();
    this.#redis?.disconnect();
  }
}
