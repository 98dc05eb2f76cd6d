// A worker's lease of a job while it calls the upstream. It is renewed while Redis answers. It ends, and the call with it,
// before another worker could have taken the job over.
//
//   held ──renewed──▶ held ──not renewed in time, or another worker's──▶ lost
//     ├──cancellation seen at a renewal, or published──▶ cancelled
//     ├──the worker shuts down──▶ draining
//     └──release──▶ released
import type { JobStore } from '../jobs/job-store';

type LeaseEnd = 'lost' | 'cancelled' | 'draining';

/** Part of the lease that is kept in reserve: time for the abort to reach the upstream's connection. */
const MARGIN = 0.2;

/** Renewals in one lease. */
const RENEWALS = 3;

interface LeaseOptions {
  readonly id: string;
  readonly token: string;
  readonly leaseMs: number;
  /**
   * `performance.now()` from before the lease was requested. This is the worker's own clock: no change of the date moves it,
   * and it is never later than the beginning of the lease in Redis.
   */
  readonly takenAtMs: number;
}

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

  constructor(store: JobStore, { id, token, leaseMs, takenAtMs }: LeaseOptions) {
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

  /** Why the lease ended; undefined while it is held. */
  get end(): LeaseEnd | undefined {
    return this.#end;
  }

  get token(): string {
    return this.#token;
  }

  /** Ends the lease: the job was cancelled, or the worker shuts down. */
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
   * Whether the lease is held at this moment, by the clock. A process that was stopped, or was cut off from Redis for long, may
   * come to its call before its timer fires.
   */
  isHeld(): boolean {
    if (this.#end === undefined && performance.now() >= this.#overAtMs) {
      this.stop('lost');
    }
    return this.#end === undefined;
  }

  async #renew(): Promise<void> {
    const requestedAtMs = performance.now();
    try {
      const outcome = await this.#store.renew(this.#id, this.#token, this.#leaseMs);
      if (outcome === 'lost') {
        this.stop('lost');
        return;
      }
      clearTimeout(this.#watchdog);
      this.#watchdog = this.#watch(requestedAtMs);
      if (outcome === 'cancel') {
        this.stop('cancelled');
      }
    } catch {
      // Redis did not answer: the watchdog runs on.
    }
  }
}
