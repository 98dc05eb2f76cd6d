// A BullMQ worker whose fetch loop can be waited for. `resume` may start another loop, which BullMQ does not expose.
import { Worker, type Processor, type WorkerOptions } from 'bullmq';
import { createWaitingBackend, type WaitingBackend } from './waiting-backend';

/** The promises that the loop of a BullMQ worker waits for: jobs that run, and fetches. */
interface JobQueue {
  add(job: Promise<undefined>): void;
}

export class BullmqWorker extends Worker<unknown, unknown, string, WaitingBackend> {
  #fetching: Promise<void> = Promise.resolve();

  constructor(queue: string, process: Processor<unknown, unknown, string>, options: WorkerOptions) {
    super(queue, process, options, createWaitingBackend(options.prefix));
  }

  /** Resolves when the loop that fetches jobs has ended, with the jobs that ran in it. Never rejects. */
  get fetching(): Promise<void> {
    return this.#fetching;
  }

  override run(): Promise<void> {
    const loop = super.run();
    this.#fetching = loop.catch(() => undefined);
    return loop;
  }

  /**
   * Makes the loop read {@link concurrency} again: while jobs run it waits for one of them to end. BullMQ has no public
   * method for this; its own `resume` does the same (BullMQ's classes/worker.js, mainLoop).
   */
  wake(): void {
    (this['mainLoopQueue'] as JobQueue | null)?.add(Promise.resolve(undefined));
  }

  /** Fetches no further job; jobs that run continue. */
  async pauseFetching(): Promise<void> {
    await this.pause(true);
    await this.backend.disconnectBlocking();
  }
}
