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

export class HeldRequests {
  readonly #holds = new Set<(end: HoldEnd) => void>();
  #isReleased = false;

  /** How many requests are held. */
  get size(): number {
    return this.#holds.size;
  }

  /**
   * Holds a request for at most `limitMs`.
   *
   * @param maxHeld no hold begins while so many requests of the process are held.
   * @param watch is called at once with what to call when the job has settled; returns what ends the watching.
   */
  async hold(
    limitMs: number,
    maxHeld: number,
    watch: (onSettled: () => void) => () => void,
  ): Promise<HoldEnd> {
    if (this.#isReleased || this.#holds.size >= maxHeld) {
      return 'refused';
    }
    let end: (how: HoldEnd) => void = () => undefined;
    const ended = new Promise<HoldEnd>((resolve) => (end = resolve));
    this.#holds.add(end);
    const timer = setTimeout(() => end('over'), limitMs);
    let unwatch: (() => void) | undefined;
    try {
      unwatch = watch(() => end('settled'));
      return await ended;
    } finally {
      clearTimeout(timer);
      this.#holds.delete(end);
      unwatch?.();
    }
  }

  /** Ends all holds at once and lets no other begin: the process is about to end. Idempotent. */
  release(): void {
    this.#isReleased = true;
    for (const end of this.#holds) {
      end('released');
    }
  }
}
