// Starts a thread and starts it again if it ends.
import path from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { Logger } from 'pino';

/** Delay before the restart: a fault that recurs must not become a busy loop. */
const RESTART_MS = 1000;

interface ThreadOptions {
  /** The module of the thread: an absolute path without an extension. */
  readonly file: string;
  /** Called at each start, for the options of the thread. */
  readonly options: () => WorkerOptions;
  readonly log: Logger;
  /** The subject of the log messages: "worker thread". */
  readonly name: string;
  /** Called with each started thread, before it runs. */
  readonly onStart: (thread: Worker) => void;
  /** Called when a thread has ended. */
  readonly onExit: (thread: Worker) => void;
  /** Whether to start the thread; it is called again before each restart. */
  readonly isWanted: () => boolean;
}

/** Starts the thread if it is wanted. Whenever it ends, logs its error, if any, and starts it again after a second. */
export function superviseThread(supervised: ThreadOptions): void {
  const { file, options, log, name, onStart, onExit, isWanted } = supervised;
  if (!isWanted()) {
    return;
  }
  // From source under ts-node, else compiled: as this module.
  const thread = new Worker(`${file}${path.extname(__filename)}`, options());
  thread.on('error', (error: unknown) => log.error({ err: error }, `${name} failed`));
  thread.on('exit', () => {
    onExit(thread);
    if (isWanted()) {
      setTimeout(() => superviseThread(supervised), RESTART_MS);
    }
  });
  onStart(thread);
}
