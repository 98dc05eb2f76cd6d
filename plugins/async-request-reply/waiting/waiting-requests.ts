// The requests of this process whose answers are held until their job settles. A held request is a timer and an entry
// here: it takes no connection, and asks nothing.

/** How a hold ended. */
export type WaitEnd =
  /** The job has settled, or is gone. */
  | 'settled'
  /** Its time was over. */
  | 'timeout'
  /** The process is about to end. */
  | 'released'
  /** As many requests were held as may be; it never began. */
  | 'rejected';

/** How many requests may be held at once, and which of those that are held count. */
export interface WaitShare {
  readonly queue: string;
  readonly maxWaiting: number;
}

export class WaitingRequests {
  /** By queue: requests that wait for a slow upstream leave the places of others free. */
  readonly #waits = new Map<string, Set<(end: WaitEnd) => void>>();
  #isReleased = false;

  /** How many requests are held. */
  get size(): number {
    return [...this.#waits.values()].reduce((sum, waits) => sum + waits.size, 0);
  }

  /**
   * Holds a request for at most `limitMs`.
   *
   * @param share no hold begins while so many requests for jobs of the queue are held by the process.
   * @param watch is called at once with what to call when the job has settled; returns what ends the watching.
   */
  async wait(
    limitMs: number,
    { queue, maxWaiting: maxWaiting }: WaitShare,
    watch: (onSettled: () => void) => () => void,
  ): Promise<WaitEnd> {
    const waits = this.#waits.get(queue) ?? new Set();
    if (this.#isReleased || waits.size >= maxWaiting) {
      return 'rejected';
    }
    let end: (how: WaitEnd) => void = () => undefined;
    const ended = new Promise<WaitEnd>((resolve) => (end = resolve));
    this.#waits.set(queue, waits.add(end));
    const timer = setTimeout(() => end('timeout'), limitMs);
    let unwatch: (() => void) | undefined;
    try {
      unwatch = watch(() => end('settled'));
      return await ended;
    } finally {
      clearTimeout(timer);
      waits.delete(end);
      if (waits.size === 0) {
        this.#waits.delete(queue);
      }
      unwatch?.();
    }
  }

  /** Ends all holds at once and lets no other begin: the process is about to end. Idempotent. */
  release(): void {
    this.#isReleased = true;
    for (const end of [...this.#waits.values()].flatMap((waits) => [...waits])) {
      end('released');
    }
  }
}
