// The plugin server's own workers: one set of threads for each Redis that its plugin instances name.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { RedisSettings } from '../plugins/async-request-reply/store/redis-client';
import type { ProcessSettings } from '../schemas/generated/process-settings-type';
import type { WorkerThreadData } from './worker-thread';

/** A thread that died is started again after this: a fault that comes back must not become a busy loop. */
const RESTART_MS = 1000;

export class WorkerThreads {
  readonly #settings: ProcessSettings;
  readonly #log: Logger;
  readonly #started = new Set<string>();
  readonly #threads = new Set<Worker>();
  #stopping = false;

  constructor(settings: ProcessSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Starts the threads for this Redis and prefix, unless they run. */
  ensure(redis: RedisSettings, keyPrefix: string): void {
    const key = JSON.stringify([redis, keyPrefix]);
    if (this.#started.has(key) || this.#stopping) {
      return;
    }
    this.#started.add(key);
    for (let count = 0; count < this.#settings.worker; count += 1) {
      this.#start({ settings: this.#settings, redis, keyPrefix });
    }
  }

  #start(workerData: WorkerThreadData): void {
    if (this.#stopping) {
      return;
    }
    const file = path.join(__dirname, `worker-thread${path.extname(__filename)}`);
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
        setTimeout(() => this.#start(workerData), RESTART_MS);
      }
    });
  }

  /** Lets every thread drain and resolves when they have ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      [...this.#threads].map(
        (thread) =>
          new Promise<void>((resolve) => {
            thread.once('exit', () => resolve());
            thread.postMessage('stop');
          }),
      ),
    );
  }
}
