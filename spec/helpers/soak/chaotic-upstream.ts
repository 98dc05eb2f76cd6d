// An upstream that answers, fails, hangs and resets at random, and keeps book of every call.
import { setImmediate } from 'node:timers/promises';
import type { Answer, Exchange } from '../upstream/answers';
import { hangUp, hangUpInBody, reply, silence } from '../upstream/answers';

type Behaviour = 'ok' | 'error' | 'busy' | 'hang' | 'reset' | 'cut';

interface Call {
  readonly method: string;
  readonly behaviour: Behaviour;
}

/** Out of a hundred calls. */
const SHARES: readonly (readonly [Behaviour, number])[] = [
  ['ok', 70],
  ['error', 10],
  ['busy', 4],
  ['hang', 4],
  ['reset', 8],
  ['cut', 4],
];

const ANSWERS: Readonly<Record<Behaviour, Answer>> = {
  ok: reply({ body: 'done' }),
  error: reply({ status: 500, body: 'failed' }),
  // 503 with Retry-After: nothing was done, so that even a POST may come again.
  busy: reply({ status: 503, headers: { 'Retry-After': '0' }, body: 'busy' }),
  hang: silence(),
  reset: hangUp(),
  cut: hangUpInBody({ announced: 100, sent: 'half' }),
};

export class ChaoticUpstream {
  readonly calls = new Map<string, Call[]>();
  /** Jobs of which two calls were open at once, and all their calls. */
  readonly overlaps: string[] = [];
  /** Calls that came from no worker. */
  strays = 0;
  #total = 0;
  readonly #open = new Map<string, number>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  get total(): number {
    return this.#total;
  }

  /** Calls that one job's request must not have had: repeated though they may have been carried out. */
  get forbiddenRepeats(): string[] {
    return [...this.calls]
      .filter(([, calls]) =>
        calls.slice(0, -1).some((call) => call.method === 'POST' && call.behaviour !== 'busy'),
      )
      .map(([id]) => id);
  }

  readonly answer: Answer = async (exchange: Exchange) => {
    const { request } = exchange;
    this.#total += 1;
    const id = request.jobId;
    if (id === undefined) {
      this.strays += 1;
      return;
    }
    const behaviour = this.#choose();
    this.calls.set(id, [...(this.calls.get(id) ?? []), { method: request.method, behaviour }]);
    this.#open.set(id, (this.#open.get(id) ?? 0) + 1);
    try {
      await this.#noteOverlap(id);
      await ANSWERS[behaviour](exchange);
    } finally {
      this.#open.set(id, (this.#open.get(id) ?? 1) - 1);
    }
  };

  /** A caller may have hung up before: that is known only when all that the sockets have is read and done. */
  async #noteOverlap(id: string): Promise<void> {
    for (let turns = 0; turns < 2 && (this.#open.get(id) ?? 0) > 1; turns += 1) {
      await setImmediate();
    }
    if ((this.#open.get(id) ?? 0) > 1) {
      const calls = this.calls.get(id)?.map(({ method, behaviour }) => `${method} ${behaviour}`);
      this.overlaps.push(`${id}: ${String(calls?.join(', '))}`);
    }
  }

  #choose(): Behaviour {
    let point = this.#random() * 100;
    for (const [behaviour, share] of SHARES) {
      point -= share;
      if (point < 0) {
        return behaviour;
      }
    }
    return 'ok';
  }
}
