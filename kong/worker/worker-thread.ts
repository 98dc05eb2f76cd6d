// A worker in a thread of the plugin server: it does not block its event loop, and it ends with its process.
import { parentPort, workerData } from 'node:worker_threads';
import { SecretStore, type SecretEntry } from '../../plugins/async-request-reply/secrets/secret-store';
import type { RedisSettings } from '../../plugins/async-request-reply/redis/redis-client';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import type { ProcessSettings } from '../../schemas/generated/process-settings-type';
import { createLogger } from '../process/create-logger';
import { workerOptions } from './worker-options';

/** The data that the plugin server passes to the thread. */
export interface WorkerThreadData {
  readonly settings: ProcessSettings;
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  /** The secrets that the plugin server has when the thread starts. Further ones arrive as messages. */
  readonly secrets: readonly SecretEntry[];
}

/** Messages from the plugin server to the thread. */
export type WorkerThreadMessage =
  { readonly kind: 'stop' } | { readonly kind: 'secret'; readonly entry: SecretEntry };

// Only worker-threads.ts starts this thread.
const { settings, redis, keyPrefix, secrets } = workerData as WorkerThreadData;
const log = createLogger({ name: 'async-request-reply-worker', level: settings.log_level });
const box = new SecretStore();
secrets.forEach((entry) => box.addEntry(entry));
const worker = JobWorker.start(workerOptions(settings, log, box, { redis, keyPrefix }));

parentPort?.on('message', (message: WorkerThreadMessage) => {
  switch (message.kind) {
    case 'secret':
      box.addEntry(message.entry);
      return;
    case 'stop':
      stop();
  }
});

function stop(): void {
  worker.stop(settings.drain_timeout_seconds * 1000).then(
    () => parentPort?.close(),
    (error: unknown) => {
      log.error({ err: error }, 'worker thread could not stop cleanly');
      parentPort?.close();
    },
  );
}
