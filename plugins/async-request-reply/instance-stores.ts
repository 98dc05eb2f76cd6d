// Which instances keep their store open between requests. Kong starts an instance for each configuration of a plugin in each of
// its workers, and says of few that they are over: of one that is replaced only the worker that asks for the next, of the last one
// of a route that is gone nobody.
//
// What Kong tells of each (kong/runloop/plugins_iterator.lua): `__key__` is the plugin on its route, service and consumer, of which
// there is one at a time; `__seq__` counts up over all workers each time that one of them reads the configuration. So of two instances
// of a key the one with the higher number is of the later configuration, and the other is needed no more, whichever was started first.
import type { StoreLease } from './accept/store-registry';

/** What Kong says of a configuration besides its settings. */
export interface InstanceOrigin {
  readonly key: string | undefined;
  /** Absent or 0: its age is not known. */
  readonly seq: number | undefined;
}

interface InstanceStore {
  seq: number;
  readonly lease: StoreLease;
}

export class InstanceStores {
  readonly #stores = new Map<string, InstanceStore[]>();

  /**
   * Keeps a store open until a later configuration of the same plugin takes its place. What is not known to be earlier is kept:
   * no store is taken from an instance that may still accept jobs there.
   */
  add({ key, seq = 0 }: InstanceOrigin, lease: StoreLease): void {
    if (key === undefined) {
      return;
    }
    const others = this.#stores.get(key) ?? [];
    const [earlier, kept] = [
      others.filter((other) => other.seq < seq),
      others.filter((other) => other.seq >= seq),
    ];
    this.#stores.set(key, [...kept, { seq, lease }]);
    earlier.forEach((hold) => hold.lease.release());
  }

  /** No Kong is connected: the numbers of the next one begin anew, and all that it starts is later. */
  resetSequence(): void {
    for (const hold of [...this.#stores.values()].flat()) {
      hold.seq = 0;
    }
  }
}
