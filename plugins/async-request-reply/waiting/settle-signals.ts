// Hears of jobs that settle: one subscription a job that somebody waits for, all on one connection (on a Cluster one a
// node), which is opened when the first is asked for. A message can be lost with the connection, so that whoever waits is
// told of each time from which on messages come, and looks for himself then.
import type { ScriptedRedis } from '../redis/scripts';

export interface SettleListener {
  /** The job has settled. */
  settled(): void;
  /** From now on no settling goes unheard, until this is called again. */
  listening(): void;
}

interface Subscription {
  readonly listeners: Set<SettleListener>;
  /** Whether Redis has confirmed it on the connection that there is. */
  isConfirmed: boolean;
}

export class SettleSignals {
  readonly #open: () => ScriptedRedis;
  readonly #subscriptions = new Map<string, Subscription>();
  #redis: ScriptedRedis | undefined;

  /** @param open opens a connection that subscribes to nothing by itself. */
  constructor(open: () => ScriptedRedis) {
    this.#open = open;
  }

  /**
   * Listens on a channel of redis/keys.ts. Redis need not be there: the listener hears from it when it is.
   *
   * @returns what ends the listening; idempotent.
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

  #unlisten(redis: ScriptedRedis, channel: string, listener: SettleListener): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription?.listeners.delete(listener) !== true || subscription.listeners.size > 0) {
      return;
    }
    this.#subscriptions.delete(channel);
    if (redis.status === 'ready') {
      // Without a connection there is no subscription either.
      redis.sunsubscribe(channel).catch(() => undefined);
    }
  }

  #connection(): ScriptedRedis {
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
    // The second is a Cluster's: the connections to its nodes have changed.
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

  async #subscribe(redis: ScriptedRedis, channel: string): Promise<void> {
    try {
      await redis.ssubscribe(channel);
    } catch {
      return; // The connection went: the next one brings it up again.
    }
    const subscription = this.#subscriptions.get(channel);
    if (subscription !== undefined && redis.status === 'ready') {
      subscription.isConfirmed = true;
      for (const listener of [...subscription.listeners]) {
        listener.listening();
      }
    }
  }

  /** Closes the connection; who listens hears no more. Idempotent. */
  close(): void {
    this.#subscriptions.clear();
    this.#redis?.disconnect();
  }
}
