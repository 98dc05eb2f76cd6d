// The message exchange of one event (one phase of one request): the plugin's PDK calls are sent as answers to Kong, and
// Kong's steps return their results. It replaces kong-pdk's pair of pipes, which needs five promises for each call.
//
//   open ──exit or ret put──▶ ended ──sent to Kong──▶ over (`onOver`)
//     └──────abandon──────▶ abandoned ──────────────▶ over
import { PluginServerError } from './plugin-server-error';
import type { PdkPipe } from './kong-pdk';

/** A PDK call as it is sent to Kong. */
export interface PdkCall {
  readonly Method: string;
  readonly Args: readonly unknown[];
}

/** The answer to `HandleEvent` and to each step: the next call that Kong makes, or `ret`, the end of the phase. */
export interface EventAnswer {
  readonly Data: PdkCall | 'ret';
  readonly EventId: number;
}

interface Waiter {
  readonly resolve: (answer: readonly [result: unknown, error: unknown]) => void;
  readonly reject: (error: Error) => void;
}

// With these Kong ends the request and sends nothing more for the event. kong-pdk does not wait for a result either
// (`NON_RETURN_METHODS` in kong-pdk's pdk.js).
const ENDING_METHODS: ReadonlySet<string> = new Set(['kong.response.exit', 'kong.response.error']);

/** Exists from `HandleEvent` until `exit`, `error` or `ret` has been sent to Kong. */
export class EventChannel implements PdkPipe {
  readonly id: number;
  readonly phase: string;
  /** Sweeps since the last message to or from Kong. EventTable counts them. */
  idleSweeps = 0;
  readonly #onOver: (channel: EventChannel) => void;
  #deliver: ((answer: EventAnswer) => void) | undefined;
  #outbox: (PdkCall | 'ret')[] = [];
  #waiters: Waiter[] = [];
  #ended = false;
  #abandonedBy: Error | undefined;

  /** @param onOver called once, when no further message can arrive for the event */
  constructor(id: number, phase: string, onOver: (channel: EventChannel) => void) {
    this.id = id;
    this.phase = phase;
    this.#onOver = onOver;
  }

  /** Whether the plugin has exited or its phase has returned. Later calls are dropped. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Whether Kong waits for the plugin. Otherwise the plugin waits for Kong. */
  get isAwaitedByKong(): boolean {
    return this.#deliver !== undefined;
  }

  /** Plugin side: sends a call, in order. Has no effect after the event has ended. */
  put(call: PdkCall | 'ret'): void {
    if (this.#ended) {
      return;
    }
    if (call === 'ret' || ENDING_METHODS.has(call.Method)) {
      this.#ended = true;
    }
    if (this.#deliver === undefined) {
      this.#outbox.push(call);
    } else {
      this.#send(this.#deliver, call);
    }
  }

  /**
   * Plugin side: the result of the last call. If the event had ended before the call, the promise never settles, since
   * no code of the plugin should run after an exit; nothing references such a promise. Rejects with `ERR_EVENT_ABANDONED`
   * if Kong does not respond.
   */
  get(): Promise<readonly [result: unknown, error: unknown]> {
    return new Promise((resolve, reject) => {
      if (this.#abandonedBy !== undefined) {
        reject(this.#abandonedBy);
      } else {
        this.#waiters.push({ resolve, reject });
      }
    });
  }

  /** Server side: resolves to the plugin's next message. Call it once at a time. */
  next(): Promise<EventAnswer> {
    return new Promise((resolve) => {
      const call = this.#outbox.shift();
      if (call === undefined) {
        this.#deliver = resolve;
      } else {
        this.#send(resolve, call);
      }
    });
  }

  /**
   * Server side: passes Kong's result (or error) of its last call to the plugin.
   *
   * @throws PluginServerError `ERR_RPC_REQUEST` if Kong has no call
   */
  resume(result: unknown, error: unknown): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      throw new PluginServerError('ERR_RPC_REQUEST', `event ${this.id} waits for no step`);
    }
    this.idleSweeps = 0;
    waiter.resolve([result, error]);
  }

  /**
   * Ends the event from the server's side. Calls that the plugin awaits reject with `error`, and so do later ones. If Kong
   * waits for an answer, it gets `answer`.
   */
  abandon(error: Error, answer: PdkCall | 'ret'): void {
    this.#abandonedBy = error;
    this.#ended = true;
    this.#outbox = [];
    for (const waiter of this.#waiters.splice(0)) {
      waiter.reject(error);
    }
    if (this.#deliver === undefined) {
      this.#onOver(this);
    } else {
      this.#send(this.#deliver, answer);
    }
  }

  #send(deliver: (answer: EventAnswer) => void, call: PdkCall | 'ret'): void {
    this.#deliver = undefined;
    this.idleSweeps = 0;
    // Calls that the plugin did not await are sent before the exit.
    if (this.#ended && this.#outbox.length === 0) {
      this.#onOver(this);
    }
    deliver({ Data: call, EventId: this.id });
  }
}
