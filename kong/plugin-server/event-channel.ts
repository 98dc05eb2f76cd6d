// The conversation about one event (one phase of one request): the plugin's PDK calls go out as answers to Kong, and
// Kong's steps come back as their results. It takes the place of kong-pdk's pipe pair, which costs five promises a call.
//
//   open ──exit or ret put──▶ ended ──sent to Kong──▶ over (`onOver`)
//     └──────abandon──────▶ abandoned ──────────────▶ over
import { PluginServerError } from './plugin-server-error';
import type { PdkPipe } from './kong-pdk';

/** A PDK call as it goes to Kong. */
export interface PdkCall {
  readonly Method: string;
  readonly Args: readonly unknown[];
}

/** What Kong gets in answer to `HandleEvent` and to each step: the next call to make, or `ret`, the end of the phase. */
export interface EventAnswer {
  readonly Data: PdkCall | 'ret';
  readonly EventId: number;
}

interface Waiter {
  readonly resolve: (answer: readonly [result: unknown, error: unknown]) => void;
  readonly reject: (error: Error) => void;
}

// Kong ends the request with these and sends nothing more for the event; kong-pdk does not wait for an answer either
// (`NON_RETURN_METHODS` in its pdk.js).
const ENDING_METHODS: ReadonlySet<string> = new Set(['kong.response.exit', 'kong.response.error']);

/** Lives from `HandleEvent` until `exit`, `error` or `ret` has been given to Kong. */
export class EventChannel implements PdkPipe {
  readonly id: number;
  readonly phase: string;
  /** Sweeps since something was last sent to Kong or heard from it; kept by whoever sweeps. */
  idleSweeps = 0;
  readonly #onOver: (channel: EventChannel) => void;
  #deliver: ((answer: EventAnswer) => void) | undefined;
  #outbox: (PdkCall | 'ret')[] = [];
  #waiters: Waiter[] = [];
  #ended = false;
  #abandonedBy: Error | undefined;

  /** @param onOver called once, when nothing more can come for the event */
  constructor(id: number, phase: string, onOver: (channel: EventChannel) => void) {
    this.id = id;
    this.phase = phase;
    this.#onOver = onOver;
  }

  /** Whether the plugin has exited or its phase has returned: what it calls from now on goes nowhere. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Whether Kong waits for the plugin; otherwise the plugin waits for Kong. */
  get isAwaitedByKong(): boolean {
    return this.#deliver !== undefined;
  }

  /** Plugin side: makes a call, in turn; a no-op once the event has ended. */
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
   * Plugin side: the result of the call just put. Pending for ever if the event had ended before that call, as after
   * an exit no code of the plugin should go on; nothing holds such a promise. Rejects with `ERR_EVENT_ABANDONED` when
   * Kong never answers.
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

  /** Server side: the plugin's next message, as soon as there is one. One at a time. */
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
   * Server side: Kong's result (or error) of the call that it was given last, for the plugin.
   *
   * @throws PluginServerError `ERR_RPC_REQUEST` if Kong was given none
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
   * Ends the event from our side: calls that the plugin awaits reject with `error`, later ones too. If Kong waits for
   * an answer, `answer` it is.
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
    // An exit behind calls that nobody awaited is sent only after these.
    if (this.#ended && this.#outbox.length === 0) {
      this.#onOver(this);
    }
    deliver({ Data: call, EventId: this.id });
  }
}
