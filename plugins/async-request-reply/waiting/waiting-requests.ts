// The requests of this process whose answers are held until their job settles. A held request is a timer and an entry
// here: it takes no connection, and asks nothing.

/** How a hold ended. */
export type HoldEnd =
  /** The job has settled, or is gone. */
  | 'settled'
  /** Its time was over. */
  | 'over'
  /** The process is about to end. */
  | 'released'
  /** As many requests were held as may be; it never began. */
  | 'refused';

/** How many requests may be held at once, and which of those that are held count. */
export interface HoldShare {
  readonly queue: string;
  readonly maxHeld: number;
}

export class HeldRequests {
  /** By queue: requests that wait for a slow upstream leave the places of others free. */
  readonly #holds = new Map<string, Set<(end: HoldEnd) => void>>();
  #isReleased = false;

  /** How many requests are held. */
  get size(): number {
    return [...this.#holds.values()].reduce((sum, holds) => sum + holds.size, 0);
  }

  /**
   * Holds a request for at most `limitMs`.
   *
   * @param share no hold begins while so many requests for jobs of the queue are held by the process.
   * @param watch is called at once with what to call when the job has settled; returns what ends the watching.
   */
  async hold(
    limitMs: number,
    { queue, maxHeld }: HoldShare,
    watch: (onSettled: () => void) => () => void,
  ): Promise<HoldEnd> {
    const holds = this.#holds.get(queue) ?? new Set();
    if (this.#isReleased || holds.size >= maxHeld) {
      return 'refused';
    }
    let end: (how: HoldEnd) => void = () => undefined;
    const ended = new Promise<HoldEnd>((resolve) => (end = resolve));
    this.#holds.set(queue, holds.add(end));
    const timer = setTimeout(() => end('over'), limitMs);
    let unwatch: (() => void) | undefined;
    try {
      unwatch = watch(() => end('settled'));
      return await ended;
    } finally {
      clearTimeout(timer);
      holds.delete(end);
      if (holds.size === 0) {
        this.#holds.delete(queue);
      }
      unwatch?.();
    }
  }

  /** Ends all holds at once and lets no other begin: the process is about to end. Idempotent. */
  release(): void {
    this.#isReleased = true;
    for (const end of [...this.#holds.values()].flatMap((holds) => [...holds])) {
      end('released');
    }
  }
}
