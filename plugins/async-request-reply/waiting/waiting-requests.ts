// The requests of this process that wait until their job settles (long polling). A waiting request is a timer and an entry here.
// It needs no connection and sends no commands.

/** How a wait ended. */
export type WaitEnd =
  /** The job has settled, or is gone. */
  | 'settled'
  /** The time limit has passed. */
  | 'timeout'
  /** The process is about to end. */
  | 'released'
  /** The limit of waiting requests was reached: the wait did not begin. */
  | 'rejected';

/** How many requests may wait at once, and which of them count. */
interface WaitShare {
  readonly queue: string;
  readonly maxWaiting: number;
}

export class WaitingRequests {
  /** By queue: requests that wait for a slow upstream do not use up the limit of other queues. */
  readonly #waits = new Map<string, Set<(end: WaitEnd) => void>>();
  #isReleased = false;

  /** How many requests wait. */
  get size(): number {
    return [...this.#waits.values()].reduce((sum, waits) => sum + waits.size, 0);
  }

  /**
   * Waits for at most `limitMs`.
   *
   * @param share no wait begins while `maxWaiting` requests for jobs of the queue wait in this process.
   * @param watch is called at once with a function to call when the job has settled. It returns a function that ends the watching.
   */
  async wait(
    limitMs: number,
    { queue, maxWaiting }: WaitShare,
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

  /** Ends all waits at once and lets no other begin: the process is about to end. Idempotent. */
  release(): void {
    this.#isReleased = true;
    for (const end of [...this.#waits.values()].flatMap((waits) => [...waits])) {
      end('released');
    }
  }
}
