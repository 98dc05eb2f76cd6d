// The worker threads of the plugin server: one set for each Redis that its plugin instances use.
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { SecretStore } from '../../plugins/async-request-reply/secrets/secret-store';
import {
  nameOfRedis,
  connectionKey,
  type RedisSettings,
} from '../../plugins/async-request-reply/redis/redis-client';
import type { ProcessSettings } from '../../schemas/generated/process-settings-type';
import { counted } from '../process/counted';
import { superviseThread } from '../process/supervised-thread';
import type { WorkerThreadData, WorkerThreadMessage } from './worker-thread';

/** A Redis and key prefix for which threads run. */
interface Connection {
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  /** How many stores of the process use it. */
  stores: number;
  readonly threads: Set<Worker>;
}

const keyOf = (redis: RedisSettings, keyPrefix: string): string =>
  JSON.stringify([connectionKey(redis), keyPrefix]);

export class WorkerThreads {
  readonly #settings: ProcessSettings;
  readonly #log: Logger;
  readonly #secrets: SecretStore;
  readonly #connections = new Map<string, Connection>();
  /** All running threads, including those that drain. */
  readonly #threads = new Set<Worker>();
  #stopping = false;

  /** @param secrets the secrets that the threads get, at their start and whenever one is added. */
  constructor(settings: ProcessSettings, log: Logger, secrets: SecretStore) {
    this.#settings = settings;
    this.#log = log;
    this.#secrets = secrets;
    secrets.onAdded((entry) => post(this.#threads, { kind: 'secret', entry }));
  }

  /** Registers a store that uses this Redis. Starts the threads unless they run, with the timeouts of the first store. */
  need(redis: RedisSettings, keyPrefix: string): void {
    const key = keyOf(redis, keyPrefix);
    const known = this.#connections.get(key);
    if (known !== undefined) {
      known.stores += 1;
      return;
    }
    const connection: Connection = { redis, keyPrefix, stores: 1, threads: new Set() };
    this.#connections.set(key, connection);
    for (let count = 0; count < this.#settings.worker_threads; count += 1) {
      this.#start(connection);
    }
  }

  /** Unregisters a store. With the last one the threads take no further jobs, and they end when their calls have ended. */
  drop(redis: RedisSettings, keyPrefix: string): void {
    const key = keyOf(redis, keyPrefix);
    const connection = this.#connections.get(key);
    if (connection === undefined) {
      return;
    }
    connection.stores -= 1;
    if (connection.stores > 0) {
      return;
    }
    this.#connections.delete(key);
    post(connection.threads, { kind: 'stop' });
    const at = { redis: nameOfRedis(redis), keyPrefix };
    this.#log.info(at, 'no instance uses this Redis any more, so its worker threads drain');
  }

  #start(connection: Connection): void {
    const { redis, keyPrefix } = connection;
    superviseThread({
      file: path.join(__dirname, 'worker-thread'),
      name: 'worker thread',
      log: this.#log,
      isWanted: () => !this.#stopping && this.#connections.get(keyOf(redis, keyPrefix)) === connection,
      options: () => {
        const workerData: WorkerThreadData = {
          settings: this.#settings,
          secrets: this.#secrets.entries(),
          redis,
          keyPrefix,
        };
        return { workerData };
      },
      onStart: (thread) => {
        this.#threads.add(thread);
        connection.threads.add(thread);
      },
      onExit: (thread) => {
        this.#threads.delete(thread);
        connection.threads.delete(thread);
        if (connection.stores === 0 && connection.threads.size === 0) {
          this.#log.info(
            { redis: nameOfRedis(redis), keyPrefix },
            'worker threads for this Redis have ended',
          );
        }
      },
    });
  }

  /** Why jobs may not run here; nothing if all threads run. */
  reasons(): string[] {
    const running = [...this.#connections.values()].reduce((sum, { threads }) => sum + threads.size, 0);
    const missing = this.#connections.size * this.#settings.worker_threads - running;
    return missing > 0
      ? [`${counted(missing, 'worker thread is', 'worker threads are')} being restarted`]
      : [];
  }

  /** Drains all threads and resolves when they have ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ended = [...this.#threads].map(
      (thread) => new Promise<void>((resolve) => thread.once('exit', () => resolve())),
    );
    post(this.#threads, { kind: 'stop' });
    await Promise.all(ended);
  }
}

function post(threads: Iterable<Worker>, message: WorkerThreadMessage): void {
  for (const thread of threads) {
    thread.postMessage(message);
  }
}
