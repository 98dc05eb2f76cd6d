// A pool of threads that check requests, so that neither a regular expression nor a deeply nested body blocks the event loop. A thread
// that exceeds its time limit is terminated and replaced, while the other threads continue. The requests of one route, whose schemas
// may be expensive, never occupy all threads.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ValidationOutcome } from './request-schemas';
import type { ValidationTask, ValidatorMessage } from './validator-thread';

interface PoolOptions {
  readonly threads: number;
  /** How many tasks with the same schemas may wait for a thread; further tasks are `busy`. */
  readonly maxWaiting: number;
  /** How long a task may wait for a thread. */
  readonly maxWaitMs: number;
  /** Heap limit of a thread. */
  readonly maxHeapMb: number;
  /** The compiled file that a thread runs. */
  readonly file: string;
}

const DEFAULTS: PoolOptions = {
  threads: 3,
  maxWaiting: 1000,
  maxWaitMs: 5000,
  maxHeapMb: 256,
  file: path.join(__dirname, 'validator-thread.js'),
};

/** A thread has to start and to compile the schemas before it reports `begins`. One that takes longer is broken. */
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

/** The pieces of the body are views into larger buffers: each is copied once and then transferred. */
function post(worker: Worker, task: ValidationTask): void {
  const body = task.parts?.body?.map((piece) => new Uint8Array(piece));
  const parts = task.parts && { ...task.parts, body };
  worker.postMessage({ ...task, parts }, body?.map(({ buffer }) => buffer) ?? []);
}

export class ValidatorPool {
  readonly #options: PoolOptions;
  readonly #threads = new Set<Thread>();
  /** By schemas, the next ones first: a free thread takes one task of them. */
  readonly #waiting = new Map<string, Job[]>();
  #isClosed = false;

  constructor(options: Partial<PoolOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /**
   * Checks a request. Never rejects.
   *
   * @param limitMs from when its thread has compiled the schemas; a task that takes longer is `over`.
   */
  check(task: ValidationTask, limitMs: number): Promise<ValidationOutcome> {
    const waiting = this.#waiting.get(task.schemasHash) ?? [];
    if (this.#isClosed || waiting.length >= this.#options.maxWaiting) {
      return Promise.resolve({ kind: 'busy' });
    }
    return new Promise((resolve) => {
      const job: Job = {
        task,
        limitMs,
        end: resolve,
        timer: setTimeout(() => this.#abort(job), this.#options.maxWaitMs),
      };
      this.#waiting.set(task.schemasHash, waiting);
      waiting.push(job);
      this.#assign();
    });
  }

  #abort(job: Job): void {
    const { schemasHash } = job.task;
    const left = (this.#waiting.get(schemasHash) ?? []).filter((one) => one !== job);
    if (left.length > 0) {
      this.#waiting.set(schemasHash, left);
    } else {
      this.#waiting.delete(schemasHash);
    }
    job.end({ kind: 'busy' });
  }

  /** The next job that may have a thread: of the first schemas in order that do not occupy all threads but one already. */
  #next(): Job | undefined {
    const most = Math.max(1, this.#options.threads - 1);
    for (const [schemasHash, waiting] of this.#waiting) {
      const running = [...this.#threads].filter(({ job }) => job?.task.schemasHash === schemasHash);
      if (running.length < most) {
        const job = waiting.shift();
        this.#waiting.delete(schemasHash);
        if (waiting.length > 0) {
          // Last in order.
          this.#waiting.set(schemasHash, waiting);
        }
        return job;
      }
    }
    return undefined;
  }

  #assign(): void {
    const idle = [...this.#threads].filter(({ job }) => job === undefined);
    let free = idle.length + this.#options.threads - this.#threads.size;
    for (; free > 0 && !this.#isClosed; free -= 1) {
      const job = this.#next();
      if (job === undefined) {
        return;
      }
      const thread = idle.pop() ?? this.#start();
      thread.job = job;
      this.#limit(thread, job, START_LIMIT_MS);
      post(thread.worker, job.task);
    }
  }

  #limit(thread: Thread, job: Job, ms: number): void {
    clearTimeout(job.timer);
    job.timer = setTimeout(() => this.#end(thread), ms);
  }

  #start(): Thread {
    const worker = new Worker(this.#options.file, {
      resourceLimits: { maxOldGenerationSizeMb: this.#options.maxHeapMb },
    });
    const thread: Thread = { worker, job: undefined };
    this.#threads.add(thread);
    worker.on('message', (message: ValidatorMessage) => this.#onMessage(thread, message));
    // Out of memory, or an error of the plugin: the request is rejected, and the next one gets another thread.
    worker.on('error', () => this.#end(thread));
    worker.on('exit', () => this.#end(thread));
    return thread;
  }

  #onMessage(thread: Thread, message: ValidatorMessage): void {
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

  /** Terminates a thread that is over its limits. Idempotent. */
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

  /** Terminates every thread. Waiting tasks are `busy`. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const waiting = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const job of waiting) {
      clearTimeout(job.timer);
      job.end({ kind: 'busy' });
    }
    const threads = [...this.#threads];
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
    threads.forEach((thread) => this.#end(thread));
  }
}
