// Counts an upload among the bytes of its queue while it arrives: all of it at once if its length is known, else in steps
// behind it; and exactly before its job is created.
import { storageError } from './admission-errors';
import type { ReserveOutcome } from '../queue/queue-outcomes';

/** Longer than the life of what was received, from piece to piece (jobs/job-payloads.ts): no stored byte is uncounted. */
const RESERVE_MS = 360_000;

const RENEW_MS = 60_000;

/** How much of an upload of unknown length may be stored before it is counted. */
const STEP_BYTES = 1024 * 1024;

/** Changes the count in Redis, within a time limit. */
interface UploadCount {
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
   * Reserves the bytes that are known before any has arrived.
   *
   * @param bytes 0 if the length is unknown.
   * @throws AsyncError `queue-full` or `store-unavailable`
   */
  async begin(bytes: number): Promise<void> {
    await this.#reserve(bytes);
  }

  /**
   * Called before each piece is stored.
   *
   * @param bytes all that has arrived, with the piece.
   * @throws AsyncError `queue-full` or `store-unavailable`
   */
  async grow(bytes: number): Promise<void> {
    if (bytes >= this.#reserved + STEP_BYTES || performance.now() >= this.#reservedAt + RENEW_MS) {
      await this.#reserve(Math.max(bytes, this.#reserved));
    }
  }

  /** Called when all has arrived. @throws AsyncError `queue-full` or `store-unavailable` */
  async finish(bytes: number): Promise<void> {
    if (bytes !== this.#reserved) {
      await this.#reserve(bytes);
    }
  }

  /** Nothing of the upload is left. Never rejects: otherwise the reservation expires. */
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
