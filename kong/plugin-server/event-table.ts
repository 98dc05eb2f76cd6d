// The events under way in this process.
import { randomInt } from 'node:crypto';
import { EventChannel } from './event-channel';

const SWEEP_INTERVAL_MS = 10_000;
/** 120 s. Kong waits 60 s for an answer of ours; only a PDK call that reads a slow upload can take it longer than this. */
const SWEEPS_UNTIL_ABANDONED = 12;
/** Room for 2^51 events in each process before an ID needs more than a double holds. */
const EVENT_ID_STARTS = 2 ** 48 - 1;
const EVENT_ID_STRIDE = 8;

/**
 * Finds an event by its ID and lets go of it when it is over. IDs start at a random number, since after a restart Kong's
 * step may come to a new process that must not take it for one of its own.
 *
 * An event for which Kong made a PDK call that failed gets no further message at all. Such events are given up after
 * 120 s without one (130 s at most) through `onIdle`; that also ends events whose plugin never comes back.
 */
export class EventTable {
  readonly #events = new Map<number, EventChannel>();
  readonly #onIdle: (channel: EventChannel) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #remove = (channel: EventChannel): void => {
    this.#events.delete(channel.id);
  };
  #nextId = randomInt(EVENT_ID_STARTS) * EVENT_ID_STRIDE;

  constructor(onIdle: (channel: EventChannel) => void) {
    this.#onIdle = onIdle;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
  }

  /** Events under way. */
  get size(): number {
    return this.#events.size;
  }

  /** The event of that ID, unless it is over or never was in this process. */
  find(id: number): EventChannel | undefined {
    return this.#events.get(id);
  }

  /** A new ID for an answer that is an event's first and last. */
  spareId(): number {
    return this.#nextId++;
  }

  /** A new event, in the table until it is over. */
  add(phase: string): EventChannel {
    const channel = new EventChannel(this.#nextId++, phase, this.#remove);
    this.#events.set(channel.id, channel);
    return channel;
  }

  /** Stops the sweeping; idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    for (const channel of this.#events.values()) {
      if (channel.idleSweeps >= SWEEPS_UNTIL_ABANDONED) this.#onIdle(channel);
      else channel.idleSweeps++;
    }
  }
}
