// Which instance ID means which configured plugin. Kong's workers keep IDs in their memory and outlive this process, and
// a request may still come with an ID that has just been closed, so an ID must never mean anything else, nor nothing.
import { randomInt } from 'node:crypto';
import type { PluginInstance } from './kong-pdk';

/** A configured plugin under its ID. */
export interface InstanceRecord {
  readonly id: number;
  readonly instance: PluginInstance;
}

/** IDs that one process can give before it runs into the range of the next higher start; restarts take years of them. */
const IDS_PER_PROCESS = 2 ** 20;
const STARTS = 2 ** 32;
/** Closed instances that go on serving. Kong uses one for a minute after its close at the very most. */
const DEFAULT_MAX_CLOSED = 10_000;

/**
 * Holds the instances of one process. IDs start at a random multiple of 2^20 and stay below 2^53, so that Lua's doubles
 * hold them exactly and no two processes that follow each other give the same one.
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

  /** Gives the instance an ID and keeps it. */
  add(instance: PluginInstance): InstanceRecord {
    const record = { id: this.#nextId++, instance };
    this.#open.set(record.id, record);
    return record;
  }

  /** The instance of that ID, closed or not; nothing if it is unknown or was closed too long ago. */
  find(id: number): InstanceRecord | undefined {
    return this.#open.get(id) ?? this.#closed.get(id);
  }

  /** Whether this process gave that ID, whatever has become of it. */
  isOurs(id: number): boolean {
    return id >= this.#firstId && id < this.#nextId;
  }

  /** Instances that Kong has not closed. */
  open(): IterableIterator<InstanceRecord> {
    return this.#open.values();
  }

  /** Moves an open instance to the closed ones, of which the last ones are kept. Again is a no-op. */
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
