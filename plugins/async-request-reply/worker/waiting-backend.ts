// BullMQ's backend with another wait for jobs. BullMQ disconnects the connection that a wait blocks, and reconnects it, when it
// stops and when a reply is overdue. With an ioredis Cluster this may leave a connection that never becomes ready again, and
// a queue whose jobs no worker takes (redis/ioredis#1864, taskforcesh/bullmq#4138). Here such a connection is discarded,
// and the next wait opens another one.
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

/** How late a reply may be. */
const PATIENCE_MS = 1000;

/** How often the queue is checked while no wait is possible. */
const CHECK_INTERVAL_MS = 1000;

/** A wait is interrupted in order not to get a job. */
const notNow = (): Marker => ({ member: '', score: Date.now() + CHECK_INTERVAL_MS });

export class WaitingBackend extends RedisQueueBackend {
  #client: RedisClient | undefined;
  #isInterrupted = false;

  /** @returns null if the queue is to be checked, else the job that may be due, and when (ms since 1970). */
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
        await delay(CHECK_INTERVAL_MS);
        return null;
      }
      return notNow();
    } finally {
      patience.abort();
      overdue.catch(() => undefined);
    }
  }

  /** Ends a wait at once. */
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
    // The shared connection, which goes to the same Redis, reports errors.
    client.on('error', () => undefined);
    return client;
  }

  #drop(): void {
    this.#client?.disconnect();
    this.#client = undefined;
  }
}

/** For workers whose `connection` is a client that the caller owns. @param prefix of all keys of the queue. */
export const createWaitingBackend =
  (prefix: string | undefined): BackendFactory<WaitingBackend> =>
  (name, options) => {
    const connection = new RedisConnection(options.connection, { shared: true, blocking: false });
    const keys = new QueueKeys(prefix);
    const toKey = (type: string): string => keys.toKey(name, type);
    return new WaitingBackend(connection, name, keys.getKeys(name), toKey, options);
  };
