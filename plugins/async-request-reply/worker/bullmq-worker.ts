// A BullMQ worker that lets one wait for the end of its loop: `resume` may start another one, which BullMQ tells nobody.
import { Worker, type Processor, type WorkerOptions } from 'bullmq';
import { createWaitingBackend, type WaitingBackend } from './waiting-backend';

/** What the loop of a BullMQ worker waits on: the jobs that run, and those that it fetches. */
interface JobQueue {
  add(job: Promise<undefined>): void;
}

export class BullmqWorker extends Worker<unknown, unknown, string, WaitingBackend> {
  #fetching: Promise<void> = Promise.resolve();

  constructor(queue: string, process: Processor<unknown, unknown, string>, options: WorkerOptions) {
    super(queue, process, options, createWaitingBackend(options.prefix));
  }

  /** Resolves when the loop that fetches jobs has ended; after `rest`, with the jobs that ran. Never rejects. */
  get fetching(): Promise<void> {
    return this.#fetching;
  }

  override run(): Promise<void> {
    const loop = super.run();
    this.#fetching = loop.catch(() => undefined);
    return loop;
  }

  /**
   * Lets the loop look at {@link concurrency} again: while jobs run it waits for one of them to end. BullMQ has no other
   * way in; its own `resume` does the same (BullMQ's classes/worker.js, mainLoop).
   */
  wake(): void {
    (this['mainLoopQueue'] as JobQueue | null)?.add(Promise.resolve(undefined));
  }

  /** Fetches no further job; those that run go on. */
  async pauseFetching(): Promise<void> {
    await this.pause(true);
    await this.backend.disconnectBlocking();
  }
}
