// The plugin server's own workers: one set of threads for each Redis that its plugin instances name.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { SecretBox } from '../plugins/async-request-reply/secrets/secret-box';
import { placeOf, type RedisSettings } from '../plugins/async-request-reply/store/redis-client';
import type { ProcessSettings } from '../schemas/generated/process-settings-type';
import { counted } from './counted';
import type { WorkerThreadData, WorkerThreadMessage } from './worker-thread';

/** A thread that died is started again after this: a fault that comes back must not become a busy loop. */
const RESTART_MS = 1000;

export class WorkerThreads {
  readonly #settings: ProcessSettings;
  readonly #log: Logger;
  readonly #secrets: SecretBox;
  readonly #started = new Set<string>();
  readonly #threads = new Set<Worker>();
  #stopping = false;

  /** @param secrets what the threads are told, now and whenever one is added. */
  constructor(settings: ProcessSettings, log: Logger, secrets: SecretBox) {
    this.#settings = settings;
    this.#log = log;
    this.#secrets = secrets;
    secrets.onAdded((entry) => this.#tell({ kind: 'secret', entry }));
  }

  /** Starts the threads for this Redis and prefix, unless they run: with the time-outs of the instance that came first. */
  ensure(redis: RedisSettings, keyPrefix: string): void {
    const key = JSON.stringify([placeOf(redis), keyPrefix]);
    if (this.#started.has(key) || this.#stopping) {
      return;
    }
    this.#started.add(key);
    for (let count = 0; count < this.#settings.worker; count += 1) {
      this.#start({ redis, keyPrefix });
    }
  }

  #tell(message: WorkerThreadMessage): void {
    for (const thread of this.#threads) {
      thread.postMessage(message);
    }
  }

  #start(at: Pick<WorkerThreadData, 'redis' | 'keyPrefix'>): void {
    if (this.#stopping) {
      return;
    }
    const file = path.join(__dirname, `worker-thread${path.extname(__filename)}`);
    const workerData: WorkerThreadData = {
      ...{ settings: this.#settings, secrets: this.#secrets.entries() },
      ...at,
    };
    const thread = new Worker(file, { workerData });
    this.#threads.add(thread);
    thread.on('error', (error: unknown) => {
      this.#log.error(
        { err: error instanceof Error ? error.message : String(error) },
        'worker thread failed',
      );
    });
    thread.on('exit', () => {
      this.#threads.delete(thread);
      if (!this.#stopping) {
        setTimeout(() => this.#start(at), RESTART_MS);
      }
    });
  }

  /** Why jobs may not be carried out here; nothing when all threads run that should. */
  reasons(): string[] {
    const missing = this.#started.size * this.#settings.worker - this.#threads.size;
    return missing > 0
      ? [`${counted(missing, 'worker thread is', 'worker threads are')} being started again`]
      : [];
  }

  /** Lets every thread drain and resolves when they have ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ended = [...this.#threads].map(
      (thread) => new Promise<void>((resolve) => thread.once('exit', () => resolve())),
    );
    this.#tell({ kind: 'stop' });
    await Promise.all(ended);
  }
}
