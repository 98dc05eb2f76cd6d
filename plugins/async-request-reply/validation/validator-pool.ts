// A few threads in which requests are checked, so that neither a regular expression nor a deep body holds up the event loop.
// A thread that is over its time is ended and another takes its place; the other threads go on meanwhile. The requests of one
// route, whose schemas may be hard to check, never have them all.
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ValidationOutcome } from './request-schemas';
import type { ValidationTask, ValidatorMessage } from './validator-thread';

export interface PoolOptions {
  readonly threads: number;
  /** Tasks with the same schemas that may wait for a thread; further ones are `busy`. */
  readonly maxWaiting: number;
  /** How long a task may wait for a thread. */
  readonly maxWaitMs: number;
  /** Heap of a thread. */
  readonly maxHeapMb: number;
  /** The compiled program of a thread. */
  readonly file: string;
}

const DEFAULTS: PoolOptions = {
  threads: 3,
  maxWaiting: 1000,
  maxWaitMs: 5000,
  maxHeapMb: 256,
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
  /** By schemas, whose turn it is first: each thread that is free takes one of the next. */
  readonly #waiting = new Map<string, Job[]>();
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
    const alike = this.#waiting.get(task.schemasHash) ?? [];
    if (this.#isClosed || alike.length >= this.#options.maxWaiting) {
      return Promise.resolve({ kind: 'busy' });
    }
    return new Promise((resolve) => {
      const job: Job = {
        task,
        limitMs,
        end: resolve,
        timer: setTimeout(() => this.#abort(job), this.#options.maxWaitMs),
      };
      this.#waiting.set(task.schemasHash, alike);
      alike.push(job);
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

  /** The next job that may have a thread: of the schemas whose turn it is, and that have not all threads but one already. */
  #next(): Job | undefined {
    const most = Math.max(1, this.#options.threads - 1);
    for (const [schemasHash, alike] of this.#waiting) {
      const running = [...this.#threads].filter(({ job }) => job?.task.schemasHash === schemasHash);
      if (running.length < most) {
        const job = alike.shift();
        this.#waiting.delete(schemasHash);
        if (alike.length > 0) {
          // Behind the others.
          this.#waiting.set(schemasHash, alike);
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
