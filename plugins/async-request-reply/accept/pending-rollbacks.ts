// Submits that were answered 503 though some of their writes may have been done, or may yet arrive: each is taken back
// as soon as Redis answers again.

export interface PendingRollback {
  readonly id: string;
  readonly queue: string;
  readonly owner: string;
  /** The idempotency key that names it. */
  readonly claimKey?: string | undefined;
}

/** Remembered while Redis is away; more are left to the caps and TTLs in Redis. */
const MAX_REMEMBERED = 10_000;

const RETRY_MS = 500;

export class PendingRollbacks {
  readonly #rollBack: (submit: PendingRollback) => Promise<void>;
  readonly #submits = new Map<string, PendingRollback>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param rollBack undoes one; rejects while Redis is away. */
  constructor(rollBack: (submit: PendingRollback) => Promise<void>) {
    this.#rollBack = rollBack;
  }

  get size(): number {
    return this.#submits.size;
  }

  add({ id, queue, owner, claimKey }: PendingRollback): void {
    if (this.#submits.size < MAX_REMEMBERED) {
      this.#submits.set(id, { id, queue, owner, claimKey });
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.#submits.size === 0) {
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
    for (const submit of [...this.#submits.values()]) {
      try {
        await this.#rollBack(submit);
        this.#submits.delete(submit.id);
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
