// A worker in a thread of the plugin server: off its event loop, and gone with its process.
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import { SecretStore, type SecretEntry } from '../../plugins/async-request-reply/secrets/secret-store';
import type { RedisSettings } from '../../plugins/async-request-reply/redis/redis-client';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import type { ProcessSettings } from '../../schemas/generated/process-settings-type';
import { workerOptions } from './worker-options';

/** What the plugin server hands to the thread. */
export interface WorkerThreadData {
  readonly settings: ProcessSettings;
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  /** Those that the plugin server has when the thread starts; further ones come as messages. */
  readonly secrets: readonly SecretEntry[];
}

/** What the plugin server says to the thread while it runs. */
export type WorkerThreadMessage =
  { readonly kind: 'stop' } | { readonly kind: 'secret'; readonly entry: SecretEntry };

// Handed over by worker-threads.ts alone.
const { settings, redis, keyPrefix, secrets } = workerData as WorkerThreadData;
const log = pino({ name: 'async-request-reply-worker', level: settings.log_level });
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
      log.error({ err: String(error) }, 'stopping');
      parentPort?.close();
    },
  );
}
