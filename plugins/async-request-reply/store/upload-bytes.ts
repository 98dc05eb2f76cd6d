// Counts an upload among the bytes of its queue while it comes in: all of it at once where its length is known, else a
// step behind it, and exactly before its job is made.
import { refusedForBytes } from './refused-place';
import type { StoredBytes } from './stored-bytes';

/** Over the life of what was received, from piece to piece (store/job-payloads.ts): no byte lies there uncounted. */
const HOLD_MS = 360_000;

const RENEW_MS = 60_000;

/** What of an upload of unknown length may be stored and not yet counted. */
const STEP_BYTES = 1024 * 1024;

export class UploadBytes {
  readonly #stored: StoredBytes;
  readonly #job: { readonly id: string; readonly queue: string };
  readonly #maxBytes: number;
  #held = -1;
  #heldAt = 0;

  /** @param maxBytes of the queue; 0 is no limit. */
  constructor(stored: StoredBytes, job: { readonly id: string; readonly queue: string }, maxBytes: number) {
    this.#stored = stored;
    this.#job = job;
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes room for the bytes that are known of before any has come: 0 where that is none.
   *
   * @throws AsyncError `queue-full`
   */
  async begin(bytes: number): Promise<void> {
    await this.#hold(bytes);
  }

  /** Told before each piece how much has come with it. @throws AsyncError `queue-full` */
  async grow(bytes: number): Promise<void> {
    if (bytes >= this.#held + STEP_BYTES || performance.now() >= this.#heldAt + RENEW_MS) {
      await this.#hold(Math.max(bytes, this.#held));
    }
  }

  /** All has come. @throws AsyncError `queue-full` */
  async finish(bytes: number): Promise<void> {
    if (bytes !== this.#held) {
      await this.#hold(bytes);
    }
  }

  /** Nothing of it is left. Never rejects: it is forgotten by itself. */
  async drop(): Promise<void> {
    await this.#stored.keep(this.#job.queue, this.#job.id, 0).catch(() => undefined);
  }

  async #hold(bytes: number): Promise<void> {
    const { queue, id } = this.#job;
    const outcome = await this.#stored.hold(queue, id, bytes, this.#maxBytes, HOLD_MS);
    if (outcome.kind === 'bytes-full') {
      throw refusedForBytes(outcome.lapsesInMs);
    }
    this.#held = bytes;
    this.#heldAt = performance.now();
  }
}
