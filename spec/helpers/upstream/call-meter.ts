// An upstream that counts the calls it has at once, and answers them when a spec says so.
import { performance } from 'node:perf_hooks';
import { Latch } from '../latch';
import { reply, type Answer } from './answers';

export class CallMeter {
  /** When each call came, by `performance.now()`, in the order of arrival. */
  readonly arrivalsMs: number[] = [];
  #open = 0;
  #most = 0;
  #isFree = false;
  #held: Latch[] = [];

  /** How many calls are open now. */
  get open(): number {
    return this.#open;
  }

  /** The most calls that were ever open at once. */
  get most(): number {
    return this.#most;
  }

  readonly answer: Answer = async (exchange) => {
    this.arrivalsMs.push(performance.now());
    this.#open += 1;
    this.#most = Math.max(this.#most, this.#open);
    try {
      if (!this.#isFree) {
        const latch = new Latch();
        this.#held.push(latch);
        await Promise.race([latch.opened, exchange.gone]);
      }
      await reply({ body: 'done' })(exchange);
    } finally {
      this.#open -= 1;
    }
  };

  /** Answers the calls that are open now; later ones are delayed again. */
  release(): void {
    for (const latch of this.#held.splice(0)) latch.open();
  }

  /** Lets the calls go that are open now, and answers all others at once. */
  free(): void {
    this.#isFree = true;
    this.release();
  }
}
