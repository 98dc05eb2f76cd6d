// Limits the concurrent tries, in total and for each host, so that a slow receiver does not delay others.

/** For each worker. */
const MAX_CONCURRENT = 100;
const MAX_CONCURRENT_PER_HOST = 10;

/** A host is slow if its oldest try takes longer. */
const SLOW_AFTER_MS = 2000;
const HOST_DELAY_MS = 200;
const SLOW_HOST_DELAY_MS = 10_000;

export class TrySlots {
  /** The tries by host, the oldest first. */
  readonly #tries = new Map<string, Set<{ readonly begunAtMs: number }>>();
  readonly #now: () => number;
  #taken = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get free(): number {
    return MAX_CONCURRENT - this.#taken;
  }

  /** @returns a function that releases the slot; undefined if the host or the worker has no free slot. */
  take(host: string): (() => void) | undefined {
    const tries = this.#tries.get(host) ?? new Set();
    if (this.free <= 0 || tries.size >= MAX_CONCURRENT_PER_HOST) {
      return undefined;
    }
    const one = { begunAtMs: this.#now() };
    this.#tries.set(host, tries.add(one));
    this.#taken += 1;
    return () => {
      if (tries.delete(one)) {
        this.#taken -= 1;
      }
      if (tries.size === 0 && this.#tries.get(host) === tries) {
        this.#tries.delete(host);
      }
    };
  }

  /** Returns after how many milliseconds another try to the host may find a slot. */
  waitMs(host: string): number {
    const [oldest] = this.#tries.get(host) ?? [];
    const isSlow = oldest !== undefined && this.#now() - oldest.begunAtMs > SLOW_AFTER_MS;
    return isSlow ? SLOW_HOST_DELAY_MS : HOST_DELAY_MS;
  }
}
