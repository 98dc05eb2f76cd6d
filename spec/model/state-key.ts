// What tells two states apart, as a short text: each part of a state is numbered when it is first seen. The two
// workers are alike, so that states which differ only in who is who are one.
import type { State } from './state';

export class StateKeys {
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<object, number>();

  of(state: State): string {
    const { record, workers, left, seen, submit, cancel, sweep, bull } = state;
    const [first, second] = workers.map((worker) => this.#number(worker)) as [number, number];
    const isSwapped = first > second;
    const token = record !== undefined && isSwapped ? OTHER[record.token] : undefined;
    const own = record !== undefined && token !== undefined ? { ...record, token } : record;
    const those = isSwapped ? `${second},${first}` : `${first},${second}`;
    const their = `${own === undefined ? 0 : this.#number(own)},${isSwapped ? (OTHER[bull] ?? bull) : bull}`;
    const parts = `${this.#number(left)},${this.#number(seen)},${this.#number(submit)}`;
    const hands = `${this.#number(cancel)},${this.#number(sweep)},${state.redrive.length}`;
    const queue = `${state.slot},${state.open},${state.fence},${state.deadList}`;
    const rest = `${state.payload},${state.asked},${state.rollback}`;
    return `${those},${their},${parts},${hands},${queue},${rest}`;
  }

  #number(part: object): number {
    const known = this.#known.get(part);
    if (known !== undefined) {
      return known;
    }
    const text = JSON.stringify(part);
    const number = this.#numbers.get(text) ?? this.#numbers.size + 1;
    this.#numbers.set(text, number);
    this.#known.set(part, number);
    return number;
  }
}

const OTHER: Readonly<Record<string, string>> = {
  w0: 'w1',
  w1: 'w0',
  active0: 'active1',
  active1: 'active0',
};
