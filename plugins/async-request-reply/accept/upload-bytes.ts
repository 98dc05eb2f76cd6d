// Counts an upload among the bytes of its queue while it comes in: all of it at once where its length is known, else a
// step behind it, and exactly before its job is made.
import { storageError } from './admission-errors';
import type { ReserveOutcome } from '../queue/queue-outcomes';

/** Over the life of what was received, from piece to piece (jobs/job-payloads.ts): no byte lies there uncounted. */
const RESERVE_MS = 360_000;

const RENEW_MS = 60_000;

/** What of an upload of unknown length may be stored and not yet counted. */
const STEP_BYTES = 1024 * 1024;

/** Says it to Redis, within a time limit. */
export interface UploadCount {
  readonly reserve: (bytes: number, lifeMs: number) => Promise<ReserveOutcome>;
  readonly drop: () => Promise<void>;
}

export class UploadBytes {
  readonly #count: UploadCount;
  #reserved = -1;
  #reservedAt = 0;

  constructor(count: UploadCount) {
    this.#count = count;
  }

  /**
   * Takes room for the bytes that are known of before any has come: 0 where that is none.
   *
   * @throws AsyncError `queue-full` or `store-unavailable`
   */
  async begin(bytes: number): Promise<void> {
    await this.#reserve(bytes);
  }

  /** Told before each piece how much has come with it. @throws AsyncError `queue-full` or `store-unavailable` */
  async grow(bytes: number): Promise<void> {
    if (bytes >= this.#reserved + STEP_BYTES || performance.now() >= this.#reservedAt + RENEW_MS) {
      await this.#reserve(Math.max(bytes, this.#reserved));
    }
  }

  /** All has come. @throws AsyncError `queue-full` or `store-unavailable` */
  async finish(bytes: number): Promise<void> {
    if (bytes !== this.#reserved) {
      await this.#reserve(bytes);
    }
  }

  /** Nothing of it is left. Never rejects: it is forgotten by itself. */
  async drop(): Promise<void> {
    await this.#count.drop().catch(() => undefined);
  }

  async #reserve(bytes: number): Promise<void> {
    const outcome = await this.#count.reserve(bytes, RESERVE_MS);
    if (outcome.kind === 'bytes-full') {
      throw storageError(outcome.expiresInMs);
    }
    this.#reserved = bytes;
    this.#reservedAt = performance.now();
  }
}
