// The events in progress in this process.
import { randomInt } from 'node:crypto';
import { EventChannel } from './event-channel';

const SWEEP_INTERVAL_MS = 2_000;
/** 54 to 56 s: a plugin may wait for 50 s, and Kong stops waiting for an answer after 60 s and proxies the request. */
const SWEEPS_HELD_BY_PLUGIN = 27;
/** 120 to 122 s. Only a PDK call that reads a slow upload can take Kong that long. */
const SWEEPS_HELD_BY_KONG = 60;
/** Leaves 2^51 events for each process before an ID exceeds what a double can represent. */
const EVENT_ID_STARTS = 2 ** 48 - 1;
const EVENT_ID_STRIDE = 8;

/**
 * Finds an event by its ID and removes it when it is over. IDs start at a random number: after a restart Kong's step may
 * reach the new process, which must not take it for a step of one of its own events.
 *
 * At each sweep, events that take too long are passed to `onIdle`: events for which Kong's PDK call failed and which get no
 * further message, 120 s after the last one; and events whose plugin does not return, in time for Kong to get an answer.
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

  /** Number of events in progress. */
  get size(): number {
    return this.#events.size;
  }

  /** The event with this ID, unless it is over or belongs to another process. */
  find(id: number): EventChannel | undefined {
    return this.#events.get(id);
  }

  /** A new ID for an event that has only one answer. */
  spareId(): number {
    return this.#nextId++;
  }

  /** Adds a new event, which stays in the table until it is over. */
  add(phase: string): EventChannel {
    const channel = new EventChannel(this.#nextId++, phase, this.#remove);
    this.#events.set(channel.id, channel);
    return channel;
  }

  /** Stops the sweeps. Idempotent. */
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
