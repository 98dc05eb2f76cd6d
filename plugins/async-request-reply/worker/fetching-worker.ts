// A BullMQ worker that lets one wait for the end of its loop: `resume` may start another one, which BullMQ tells nobody.
import { Worker } from 'bullmq';

export class FetchingWorker extends Worker {
  #fetching: Promise<void> = Promise.resolve();

  /** Resolves when the loop that fetches jobs has ended; after `pause`, with the jobs that ran. Never rejects. */
  get fetching(): Promise<void> {
    return this.#fetching;
  }

  override run(): Promise<void> {
    const loop = super.run();
    this.#fetching = loop.catch(() => undefined);
    return loop;
  }
}
