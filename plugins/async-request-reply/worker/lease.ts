// The hold that a worker has on a job while it calls the upstream. Renewed while Redis answers; given up, with the
// call, before it could have passed to another worker.
//
//   held ──renewed──▶ held ──not renewed in time, or another's──▶ lost
//     └──cancel asked──▶ cancelled          └──release──▶ released
import type { JobStore } from '../jobs/job-store';

export type LeaseEnd = 'lost' | 'cancelled' | 'draining';

/** Part of the lease that is kept in hand: time for the abort to reach the upstream's connection. */
const MARGIN = 0.2;

/** Renewals in one lease. */
const RENEWALS = 3;

export class Lease {
  readonly #store: JobStore;
  readonly #id: string;
  readonly #token: string;
  readonly #leaseMs: number;
  readonly #abort = new AbortController();
  readonly #renewTimer: NodeJS.Timeout;
  #watchdog: NodeJS.Timeout;
  #overAtMs = 0;
  #end: LeaseEnd | undefined;

  /**
   * @param takenAtMs `performance.now()` from before the lease was asked for: the worker's own clock, which no
   *   change of the date moves, and never later than Redis's beginning of the lease.
   */
  constructor(store: JobStore, id: string, token: string, leaseMs: number, takenAtMs: number) {
    this.#store = store;
    this.#id = id;
    this.#token = token;
    this.#leaseMs = leaseMs;
    this.#renewTimer = setInterval(() => void this.#renew(), leaseMs / RENEWALS);
    this.#watchdog = this.#watch(takenAtMs);
  }

  /** Aborted when the lease ends before it is released. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why the lease ended, undefined while it is held. */
  get end(): LeaseEnd | undefined {
    return this.#end;
  }

  get token(): string {
    return this.#token;
  }

  /** Ends the lease from outside: a cancellation that reached this worker, or a shutdown. */
  stop(end: LeaseEnd): void {
    if (this.#end === undefined) {
      this.#end = end;
      this.#abort.abort(new Error(`lease ended: ${end}`));
    }
  }

  /** Stops the timers; idempotent. */
  release(): void {
    clearInterval(this.#renewTimer);
    clearTimeout(this.#watchdog);
  }

  #watch(fromMs: number): NodeJS.Timeout {
    this.#overAtMs = fromMs + this.#leaseMs * (1 - MARGIN);
    return setTimeout(() => this.stop('lost'), Math.max(0, this.#overAtMs - performance.now()));
  }

  /**
   * Whether the lease is held at this very moment, by the clock: a process that was stopped, or was long cut off from
   * Redis, may come to its call before its timer has had a turn.
   */
  isHeld(): boolean {
    if (this.#end === undefined && performance.now() >= this.#overAtMs) {
      this.stop('lost');
    }
    return this.#end === undefined;
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now();
    try {
      const outcome = await this.#store.renew(this.#id, this.#token, this.#leaseMs);
      if (outcome === 'lost') {
        this.stop('lost');
        return;
      }
      clearTimeout(this.#watchdog);
      this.#watchdog = this.#watch(askedAt);
      if (outcome === 'cancel') {
        this.stop('cancelled');
      }
    } catch {
      // Redis did not answer: the watchdog counts on.
    }
  }
}
