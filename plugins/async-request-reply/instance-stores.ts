// Which plugin instances keep their store open between requests. Kong starts an instance for each configuration of a plugin in each of
// its workers, and announces the end of few of them: only one worker closes an instance that was replaced, and none closes the last
// instance of a route that was deleted.
//
// Kong passes two fields with each configuration (kong/runloop/plugins_iterator.lua). `__key__` identifies the plugin on its route,
// service and consumer: one configuration with it is in force at a time. `__seq__` increases, across all workers, each time that a
// worker reads the configuration. So of two instances with one key, the one with the higher number has the later configuration, and the
// other is no longer needed, whichever was started first.
import type { StoreLease } from './accept/store-registry';

/** What Kong passes with a configuration besides its settings. */
export interface InstanceOrigin {
  readonly key: string | undefined;
  /** Absent or 0 if the age is not known. */
  readonly seq: number | undefined;
}

interface InstanceStore {
  seq: number;
  readonly lease: StoreLease;
}

export class InstanceStores {
  readonly #stores = new Map<string, InstanceStore[]>();

  /**
   * Keeps a store open until a later configuration of the same plugin replaces its instance. Stores of instances that are not known to
   * be earlier stay open, since those may still accept jobs.
   */
  add({ key, seq = 0 }: InstanceOrigin, lease: StoreLease): void {
    if (key === undefined) {
      return;
    }
    const others = this.#stores.get(key) ?? [];
    const earlier = others.filter((other) => other.seq < seq);
    const kept = others.filter((other) => other.seq >= seq);
    this.#stores.set(key, [...kept, { seq, lease }]);
    earlier.forEach((other) => other.lease.release());
  }

  /** No Kong is connected any more. The numbers of the next Kong start again, and its instances are later than all known ones. */
  resetSequence(): void {
    for (const store of [...this.#stores.values()].flat()) {
      store.seq = 0;
    }
  }
}
