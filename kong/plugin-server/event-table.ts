// The events under way in this process.
import { randomInt } from 'node:crypto';
import { EventChannel } from './event-channel';

const SWEEP_INTERVAL_MS = 2_000;
/** 54 to 56 s: a plugin may hold a request for 50 s, and Kong gives up on an answer after 60 s and proxies the request. */
const SWEEPS_HELD_BY_PLUGIN = 27;
/** 120 to 122 s. Of the PDK's calls only one that reads a slow upload can take Kong that long. */
const SWEEPS_HELD_BY_KONG = 60;
/** Room for 2^51 events in each process before an ID needs more than a double holds. */
const EVENT_ID_STARTS = 2 ** 48 - 1;
const EVENT_ID_STRIDE = 8;

/**
 * Finds an event by its ID and lets go of it when it is over. IDs start at a random number, since after a restart Kong's
 * step may come to a new process that must not take it for one of its own.
 *
 * What takes too long is handed to `onIdle`, once a sweep: events for which Kong's PDK call failed, as they get no
 * further message at all, 120 s after the last one; and events whose plugin does not come back, in time for Kong to get
 * an answer.
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
      const limit = channel.isAwaitedByKong ? SWEEPS_HELD_BY_PLUGIN : SWEEPS_HELD_BY_KONG;
      if (channel.idleSweeps >= limit) {
        this.#onIdle(channel);
      } else {
        channel.idleSweeps++;
      }
    }
  }
}
