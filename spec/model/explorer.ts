// A breadth-first explorer of small state machines: every interleaving once, the shortest trace to whatever is wrong,
// and from where a goal can still be reached.

export interface Step<State> {
  readonly label: string;
  readonly next: State;
  /** A fault, or a lucky event, that the program may not rely on: goals must be reachable without it. */
  readonly optional?: boolean;
}

export interface Machine<State> {
  readonly initial: State;
  /** Everything that distinguishes two states. */
  key(state: State): string;
  steps(state: State): readonly Step<State>[];
  /** What is wrong in this state, as facts; a state with a flaw is not explored further. */
  flaws(state: State): readonly string[];
  /** Goals by name; the value says whether this state has reached it. Every state has to be able to reach all. */
  readonly goals: Readonly<Record<string, (state: State) => boolean>>;
}

interface Flaw {
  readonly fact: string;
  /** Labels of the steps that lead there: as short a way as any. */
  readonly trace: readonly string[];
}

export interface Report {
  readonly states: number;
  readonly steps: number;
  /** The longest of the shortest ways to a state. */
  readonly depth: number;
  /** One for each fact, the one found first. */
  readonly flaws: readonly Flaw[];
}

/**
 * Explores all states that `machine` can reach.
 *
 * @param limit states after which it throws: a model that does not end is no model.
 * @param until a fact at which to stop: the states after it are not looked at.
 */
export function explore<State>(machine: Machine<State>, limit: number, until?: string): Report {
  const search = new Search(machine, limit, until);
  search.run();
  return search.report();
}

interface Goal<State> {
  readonly name: string;
  readonly isReached: (state: State) => boolean;
  /** The states that have reached it. */
  readonly ids: number[];
}

class Search<State> {
  readonly #machine: Machine<State>;
  readonly #limit: number;
  readonly #ids = new Map<string, number>();
  readonly #parents: number[] = [];
  readonly #labels: string[] = [];
  readonly #flaws = new Map<string, number>();
  readonly #dead = new Set<number>();
  /** Pairs of from and to, of the steps that are not optional. */
  readonly #edges: number[] = [];
  readonly #until: string | undefined;
  readonly #goals: readonly Goal<State>[];
  #steps = 0;
  #depth = 0;

  constructor(machine: Machine<State>, limit: number, until: string | undefined) {
    this.#until = until;
    this.#goals = Object.entries(machine.goals).map(([name, isReached]) => ({ name, isReached, ids: [] }));
    this.#machine = machine;
    this.#limit = limit;
  }

  run(): void {
    let frontier: [number, State][] = [];
    this.#visit(this.#machine.initial, -1, '', frontier);
    while (frontier.length > 0 && !this.#isCutShort()) {
      const next: [number, State][] = [];
      for (const [id, state] of frontier) {
        this.#expand(id, state, next);
      }
      frontier = next;
      this.#depth += 1;
    }
  }

  #isCutShort(): boolean {
    return this.#until !== undefined && this.#flaws.has(this.#until);
  }

  #expand(id: number, state: State, next: [number, State][]): void {
    for (const step of this.#machine.steps(state)) {
      const to = this.#visit(step.next, id, step.label, next);
      this.#steps += 1;
      if (step.optional !== true) {
        this.#edges.push(id, to);
      }
    }
  }

  #visit(state: State, parent: number, label: string, frontier: [number, State][]): number {
    const key = this.#machine.key(state);
    const known = this.#ids.get(key);
    if (known !== undefined) {
      return known;
    }
    const id = this.#parents.length;
    if (id >= this.#limit) {
      throw new Error(`more than ${String(this.#limit)} states`);
    }
    this.#ids.set(key, id);
    this.#parents.push(parent);
    this.#labels.push(label);
    const flaws = this.#machine.flaws(state);
    for (const fact of flaws.filter((one) => !this.#flaws.has(one))) {
      this.#flaws.set(fact, id);
    }
    if (flaws.length > 0) {
      this.#dead.add(id);
      return id;
    }
    for (const goal of this.#goals) {
      if (goal.isReached(state)) {
        goal.ids.push(id);
      }
    }
    frontier.push([id, state]);
    return id;
  }

  report(): Report {
    for (const { name, ids } of this.#isCutShort() ? [] : this.#goals) {
      const stuck = this.#firstThatCannotReach(ids);
      if (stuck !== undefined) {
        this.#flaws.set(`can never ${name}`, stuck);
      }
    }
    return {
      states: this.#parents.length,
      steps: this.#steps,
      depth: this.#depth,
      flaws: [...this.#flaws].map(([fact, id]) => ({ fact, trace: this.#trace(id) })),
    };
  }

  /** Goes backwards from the goal; states are numbered by their distance from the start. */
  #firstThatCannotReach(goal: readonly number[]): number | undefined {
    const { offsets, sources } = this.#backwards();
    const can = new Uint8Array(this.#parents.length);
    const queue = [...goal];
    for (const id of this.#dead) {
      // What follows a flaw is not known.
      queue.push(id);
    }
    for (const id of queue) {
      can[id] = 1;
    }
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      for (let at = offsets[id] ?? 0; at < (offsets[id + 1] ?? 0); at += 1) {
        const source = sources[at] ?? 0;
        if (can[source] === 0) {
          can[source] = 1;
          queue.push(source);
        }
      }
    }
    const stuck = can.indexOf(0);
    return stuck < 0 ? undefined : stuck;
  }

  /** The steps by where they lead to: those to `id` come from `sources[offsets[id]]` up to `offsets[id + 1]`. */
  #backwards(): { offsets: Int32Array; sources: Int32Array } {
    const edges = this.#edges;
    const offsets = new Int32Array(this.#parents.length + 2);
    for (let at = 1; at < edges.length; at += 2) {
      const slot = (edges[at] ?? 0) + 2;
      offsets[slot] = (offsets[slot] ?? 0) + 1;
    }
    for (let at = 1; at < offsets.length; at += 1) {
      offsets[at] = (offsets[at] ?? 0) + (offsets[at - 1] ?? 0);
    }
    const sources = new Int32Array(edges.length / 2);
    for (let at = 0; at < edges.length; at += 2) {
      const slot = (edges[at + 1] ?? 0) + 1;
      const place = offsets[slot] ?? 0;
      sources[place] = edges[at] ?? 0;
      offsets[slot] = place + 1;
    }
    return { offsets, sources };
  }

  #trace(id: number): string[] {
    const labels: string[] = [];
    for (let at = id; at > 0; at = this.#parents[at] ?? 0) {
      labels.push(this.#labels[at] ?? '');
    }
    return labels.reverse();
  }
}
