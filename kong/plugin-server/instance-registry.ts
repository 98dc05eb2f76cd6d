// Maps instance IDs to configured plugins. Kong's workers keep IDs in memory and outlive this process, and a request may
// arrive with the ID of an instance that was just closed. So an ID is never reused, and a closed ID stays valid.
import { randomInt } from 'node:crypto';
import type { PluginInstance } from './kong-pdk';

/** A configured plugin and its ID. */
export interface InstanceRecord {
  readonly id: number;
  readonly instance: PluginInstance;
}

/** IDs of one process, before they reach the range of the next higher start. They last for years of restarts. */
const IDS_PER_PROCESS = 2 ** 20;
const STARTS = 2 ** 32;
/** Closed instances that still handle events. Kong uses an instance for at most a minute after it closed it. */
const DEFAULT_MAX_CLOSED = 10_000;

/**
 * The instances of one process. IDs start at a random multiple of 2^20 and stay below 2^53, so that Lua's doubles represent
 * them exactly and successive processes assign different IDs.
 */
export class InstanceRegistry {
  readonly #firstId = randomInt(1, STARTS) * IDS_PER_PROCESS;
  readonly #maxClosed: number;
  readonly #open = new Map<number, InstanceRecord>();
  readonly #closed = new Map<number, InstanceRecord>();
  #nextId = this.#firstId;

  constructor(maxClosed = DEFAULT_MAX_CLOSED) {
    this.#maxClosed = maxClosed;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get closedCount(): number {
    return this.#closed.size;
  }

  /** Adds an instance and assigns its ID. */
  add(instance: PluginInstance): InstanceRecord {
    const record = { id: this.#nextId++, instance };
    this.#open.set(record.id, record);
    return record;
  }

  /** The instance with this ID, open or closed; undefined if it is unknown or was closed too long ago. */
  find(id: number): InstanceRecord | undefined {
    return this.#open.get(id) ?? this.#closed.get(id);
  }

  /** Whether this process assigned the ID. */
  isOurs(id: number): boolean {
    return id >= this.#firstId && id < this.#nextId;
  }

  /** The instances that Kong has not closed. */
  open(): IterableIterator<InstanceRecord> {
    return this.#open.values();
  }

  /** Moves an open instance to the closed ones, of which only the latest are kept. Idempotent. */
  close(record: InstanceRecord): void {
    if (!this.#open.delete(record.id)) {
      return;
    }
    record.instance.close();
    this.#closed.set(record.id, record);
    if (this.#closed.size <= this.#maxClosed) {
      return;
    }
    for (const [oldest] of this.#closed) {
      this.#closed.delete(oldest);
      break;
    }
  }
}
