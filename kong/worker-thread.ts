// A worker in a thread of the plugin server: off its event loop, and gone with its process.
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import type { RedisSettings } from '../plugins/async-request-reply/store/redis-client';
import { JobWorker } from '../plugins/async-request-reply/worker/worker';
import type { ProcessSettings } from '../schemas/generated/process-settings-type';
import { workerOptions } from './worker-options';

/** What the plugin server hands to the thread. */
export interface WorkerThreadData {
  readonly settings: ProcessSettings;
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
}

// Handed over by worker-threads.ts alone.
const { settings, redis, keyPrefix } = workerData as WorkerThreadData;
const log = pino({ name: 'async-request-reply-worker', level: settings.log_level });
const worker = JobWorker.start(workerOptions(settings, log, { redis, keyPrefix }));

parentPort?.once('message', () => {
  worker.stop(settings.drain_timeout_seconds * 1000).then(
    () => parentPort?.close(),
    (error: unknown) => {
      log.error({ err: String(error) }, 'stopping');
      parentPort?.close();
    },
  );
});
