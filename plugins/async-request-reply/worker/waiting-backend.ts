// BullMQ's backend with another wait for jobs. BullMQ breaks the connection that a wait blocks on and makes it anew, when
// it stops and when an answer is overdue; of an ioredis Cluster that may leave a connection that is never ready again,
// and a queue whose jobs nobody takes (redis/ioredis#1864, taskforcesh/bullmq#4138). Here such a connection is thrown
// away, and the next wait opens another.
import { setTimeout as delay } from 'node:timers/promises';
import {
  createIORedisClient,
  QueueKeys,
  RedisConnection,
  RedisQueueBackend,
  type BackendFactory,
  type RedisClient,
} from 'bullmq';

type Marker = NonNullable<Awaited<ReturnType<RedisQueueBackend['waitForJob']>>>;

/** How long after its time an answer may come, in ms. */
const PATIENCE_MS = 1000;

/** While no wait is possible, the queue is looked at this often, in ms. */
const LOOK_EVERY_MS = 1000;

/** Whoever interrupts does so in order not to be given a job. */
const notNow = (): Marker => ({ member: '', score: Date.now() + LOOK_EVERY_MS });

export class WaitingBackend extends RedisQueueBackend {
  #client: RedisClient | undefined;
  #isInterrupted = false;

  /** @returns null when the queue is to be looked at, else the job that may be due and when (ms since 1970). */
  override async waitForJob(seconds: number): Promise<Marker | null> {
    this.#isInterrupted = false;
    this.#client ??= await this.#open();
    if (this.#isInterrupted) {
      this.#drop();
      return notNow();
    }
    const patience = new AbortController();
    const overdue = delay(seconds * 1000 + PATIENCE_MS, 'overdue' as const, { signal: patience.signal });
    try {
      const popped = await Promise.race([this.#client.bzpopmin(this.keys['marker'] ?? '', seconds), overdue]);
      if (popped === 'overdue') {
        this.#drop();
        return null;
      }
      return popped === null ? null : { member: popped[1], score: Number(popped[2]) };
    } catch {
      this.#drop();
      if (!this.#isInterrupted) {
        await delay(LOOK_EVERY_MS);
        return null;
      }
      return notNow();
    } finally {
      patience.abort();
      overdue.catch(() => undefined);
    }
  }

  /** Ends a wait that is under way, at once. */
  override disconnectBlocking(): Promise<void> {
    this.#isInterrupted = true;
    this.#drop();
    return Promise.resolve();
  }

  override reconnectBlocking(): Promise<void> {
    return Promise.resolve();
  }

  override async close(force?: boolean): Promise<void> {
    await this.disconnectBlocking();
    await super.close(force);
  }

  async #open(): Promise<RedisClient> {
    const client = createIORedisClient(await this.connection.client).duplicate({
      connectionName: this.clientName(),
    });
    // Told by the connection beside it, which goes to the same Redis.
    client.on('error', () => undefined);
    return client;
  }

  #drop(): void {
    this.#client?.disconnect();
    this.#client = undefined;
  }
}

/** For workers whose `connection` is a client that stays the caller's. @param prefix of all the queue's keys. */
export const createWaitingBackend =
  (prefix: string | undefined): BackendFactory<WaitingBackend> =>
  (name, options) => {
    const connection = new RedisConnection(options.connection, { shared: true, blocking: false });
    const keys = new QueueKeys(prefix);
    const toKey = (type: string): string => keys.toKey(name, type);
    return new WaitingBackend(connection, name, keys.getKeys(name), toKey, options);
  };
