// A few threads in which requests are checked, so that neither a regular expression nor a deep body holds up the event loop.
// A thread that is over its time is ended and another takes its place; the other threads go on meanwhile.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ValidationOutcome } from './request-schemas';
import type { ValidationTask, ValidatorMessage } from './validator-thread';

export interface PoolOptions {
  readonly threads: number;
  /** Tasks that may wait for a thread; further ones are `busy`. */
  readonly maxWaiting: number;
  /** How long a task may wait for a thread. */
  readonly maxWaitMs: number;
  /** Heap of a thread. */
  readonly maxHeapMb: number;
  /** The compiled program of a thread. */
  readonly file: string;
}

const DEFAULTS: PoolOptions = {
  ...{ threads: 2, maxWaiting: 1000, maxWaitMs: 5000, maxHeapMb: 256 },
  file: path.join(__dirname, 'validator-thread.js'),
};

/** A thread has to come up and to compile before it says `begins`; one that does not is broken. */
const START_LIMIT_MS = 30_000;

interface Job {
  readonly task: ValidationTask;
  readonly limitMs: number;
  readonly end: (outcome: ValidationOutcome) => void;
  timer: NodeJS.Timeout;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

/** The body's pieces are views into larger buffers: each goes over alone, and is not copied twice. */
function post(worker: Worker, task: ValidationTask): void {
  const body = task.parts?.body?.map((piece) => new Uint8Array(piece));
  const parts = task.parts && { ...task.parts, body };
  worker.postMessage({ ...task, parts }, body?.map(({ buffer }) => buffer) ?? []);
}

export class ValidatorPool {
  readonly #options: PoolOptions;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #isClosed = false;

  constructor(options: Partial<PoolOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /**
   * Checks a request. Never rejects.
   *
   * @param limitMs from when its thread has the schemas at hand; longer is `over`.
   */
  check(task: ValidationTask, limitMs: number): Promise<ValidationOutcome> {
    if (this.#isClosed || this.#waiting.length >= this.#options.maxWaiting) {
      return Promise.resolve({ kind: 'busy' });
    }
    return new Promise((resolve) => {
      const job: Job = {
        ...{ task, limitMs, end: resolve },
        timer: setTimeout(() => this.#giveUp(job), this.#options.maxWaitMs),
      };
      this.#waiting.push(job);
      this.#assign();
    });
  }

  #giveUp(job: Job): void {
    this.#waiting.splice(this.#waiting.indexOf(job), 1);
    job.end({ kind: 'busy' });
  }

  #assign(): void {
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const thread = [...this.#threads].find(({ job }) => job === undefined) ?? this.#start();
      const job = thread && this.#waiting.shift();
      if (thread === undefined || job === undefined) {
        return;
      }
      thread.job = job;
      this.#limit(thread, job, START_LIMIT_MS);
      post(thread.worker, job.task);
    }
  }

  #limit(thread: Thread, job: Job, ms: number): void {
    clearTimeout(job.timer);
    job.timer = setTimeout(() => this.#end(thread), ms);
  }

  #start(): Thread | undefined {
    if (this.#threads.size >= this.#options.threads) {
      return undefined;
    }
    const worker = new Worker(this.#options.file, {
      resourceLimits: { maxOldGenerationSizeMb: this.#options.maxHeapMb },
    });
    const thread: Thread = { worker, job: undefined };
    this.#threads.add(thread);
    worker.on('message', (message: ValidatorMessage) => this.#hear(thread, message));
    // Out of memory, or a fault of ours: the request is refused, and the next one gets another thread.
    worker.on('error', () => this.#end(thread));
    worker.on('exit', () => this.#end(thread));
    return thread;
  }

  #hear(thread: Thread, message: ValidatorMessage): void {
    const { job } = thread;
    if (job === undefined) {
      return;
    }
    if (message.kind === 'begins') {
      this.#limit(thread, job, job.limitMs);
      return;
    }
    thread.job = undefined;
    clearTimeout(job.timer);
    job.end(message);
    this.#assign();
  }

  /** Ends a thread that is over its limits; idempotent. */
  #end(thread: Thread): void {
    if (!this.#threads.delete(thread)) {
      return;
    }
    void thread.worker.terminate();
    if (thread.job !== undefined) {
      clearTimeout(thread.job.timer);
      thread.job.end({ kind: 'over' });
    }
    this.#assign();
  }

  /** Ends every thread and refuses what waits. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#waiting.splice(0)) {
      clearTimeout(job.timer);
      job.end({ kind: 'busy' });
    }
    const threads = [...this.#threads];
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
    threads.forEach((thread) => this.#end(thread));
  }
}
