// Counts an upload among the bytes of its queue while it comes in: all of it at once where its length is known, else a
// step behind it, and exactly before its job is made.
import { refusedForBytes } from './admission-errors';
import type { HoldOutcome } from '../queue/storage-quota';

/** Over the life of what was received, from piece to piece (jobs/job-payloads.ts): no byte lies there uncounted. */
const HOLD_MS = 360_000;

const RENEW_MS = 60_000;

/** What of an upload of unknown length may be stored and not yet counted. */
const STEP_BYTES = 1024 * 1024;

/** Says it to Redis, within a time limit. */
export interface UploadCount {
  readonly hold: (bytes: number, lifeMs: number) => Promise<HoldOutcome>;
  readonly drop: () => Promise<void>;
}

export class UploadBytes {
  readonly #count: UploadCount;
  #held = -1;
  #heldAt = 0;

  constructor(count: UploadCount) {
    this.#count = count;
  }

  /**
   * Takes room for the bytes that are known of before any has come: 0 where that is none.
   *
   * @throws AsyncError `queue-full` or `store-unavailable`
   */
  async begin(bytes: number): Promise<void> {
    await this.#hold(bytes);
  }

  /** Told before each piece how much has come with it. @throws AsyncError `queue-full` or `store-unavailable` */
  async grow(bytes: number): Promise<void> {
    if (bytes >= this.#held + STEP_BYTES || performance.now() >= this.#heldAt + RENEW_MS) {
      await this.#hold(Math.max(bytes, this.#held));
    }
  }

  /** All has come. @throws AsyncError `queue-full` or `store-unavailable` */
  async finish(bytes: number): Promise<void> {
    if (bytes !== this.#held) {
      await this.#hold(bytes);
    }
  }

  /** Nothing of it is left. Never rejects: it is forgotten by itself. */
  async drop(): Promise<void> {
    await this.#count.drop().catch(() => undefined);
  }

  async #hold(bytes: number): Promise<void> {
    const outcome = await this.#count.hold(bytes, HOLD_MS);
    if (outcome.kind === 'bytes-full') {
      throw refusedForBytes(outcome.lapsesInMs);
    }
    this.#held = bytes;
    this.#heldAt = performance.now();
  }
}
