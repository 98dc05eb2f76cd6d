// Bounds the tries that are under way, in all and to one host, so that a receiver that is slow holds up no other.

/** In this worker. */
const MAX_CONCURRENT = 100;
const MAX_CONCURRENT_PER_HOST = 10;

/** A host whose oldest try takes longer is slow. */
const SLOW_AFTER_MS = 2000;
const WAIT_MS = 200;
const WAIT_OF_SLOW_MS = 10_000;

export class TrySlots {
  /** The tries to each host, the oldest first. */
  readonly #tries = new Map<string, Set<{ readonly begunAtMs: number }>>();
  readonly #now: () => number;
  #taken = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get free(): number {
    return MAX_CONCURRENT - this.#taken;
  }

  /** @returns what gives the slot back; undefined where the host, or the worker, has as many as it may. */
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

  /** After how many ms another try to the host may find a slot. */
  waitMs(host: string): number {
    const [oldest] = this.#tries.get(host) ?? [];
    const isSlow = oldest !== undefined && this.#now() - oldest.begunAtMs > SLOW_AFTER_MS;
    return isSlow ? WAIT_OF_SLOW_MS : WAIT_MS;
  }
}
