// Accepts that were answered with 503 although some of their writes may have been executed, or may still arrive. Each is rolled
// back as soon as Redis answers again.

export interface PendingRollback {
  readonly id: string;
  readonly queue: string;
  readonly owner: string;
  /** The idempotency key that the job was submitted under. */
  readonly claimKey?: string | undefined;
}

/** Remembered while Redis is away. Further ones are left to the deadlines and TTLs in Redis. */
const MAX_REMEMBERED = 10_000;

const RETRY_MS = 500;

export class PendingRollbacks {
  readonly #rollBack: (pending: PendingRollback) => Promise<void>;
  readonly #pending = new Map<string, PendingRollback>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param rollBack rolls one back; rejects while Redis is away. */
  constructor(rollBack: (pending: PendingRollback) => Promise<void>) {
    this.#rollBack = rollBack;
  }

  get size(): number {
    return this.#pending.size;
  }

  add({ id, queue, owner, claimKey }: PendingRollback): void {
    if (this.#pending.size < MAX_REMEMBERED) {
      this.#pending.set(id, { id, queue, owner, claimKey });
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.#pending.size === 0) {
      return;
    }
    this.#timer = setTimeout(() => {
      void this.#round().finally(() => {
        this.#timer = undefined;
        this.#schedule();
      });
    }, RETRY_MS);
  }

  async #round(): Promise<void> {
    for (const pending of [...this.#pending.values()]) {
      try {
        await this.#rollBack(pending);
        this.#pending.delete(pending.id);
      } catch {
        return; // Redis is still away: the next round tries again.
      }
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
