// undici's Agent, held to what a gateway has to know of a response: whether it is HTTP, and whether all of it has come. undici
// refuses a 100 that nobody asked for, takes a body that ends with its connection for whole also when the connection was
// reset, misses the content of answers that have none, and fails when its parser is paused at the end of a connection.
import type { Socket } from 'node:net';
import { Agent, Client, Pool, type Dispatcher } from 'undici';
import { ObservedConnection } from './observed-connection';
import { StrictResponse } from './strict-response';

/** So that a name that has moved is followed, in ms. */
const CONNECTION_MAX_AGE_MS = 10_000;

/** An address of several is given up after it, at least, in ms: the time that Node.js gives it (`net.connect`). */
const LEAST_ATTEMPT_MS = 250;

/**
 * Reading stops with each chunk, and starts again when it is taken. libuv takes a reset for an end where it reads on after the
 * last bytes (`uv__stream_io`).
 */
const READ_CHUNK_BY_CHUNK = {
  highWaterMark: undefined,
  readableHighWaterMark: 1,
  writableHighWaterMark: 65_536,
};

export interface StrictAgentOptions {
  /** From the start of a connection to its end, TLS included. An address of several has half of it. */
  readonly connectTimeoutMs: number;
  /** After it a connection takes no new request. Default 10 s. */
  readonly connectionMaxAgeMs?: number;
  /** More of undici's. */
  readonly agent?: Agent.Options;
  /** Of `net.connect` and `tls.connect`. */
  readonly connect?: object;
}

/** Where a request's options have its response, on their way from the agent to a client. */
const RESPONSE = Symbol('response');

type StrictOptions = Dispatcher.DispatchOptions & { readonly [RESPONSE]?: StrictResponse };

/** An agent whose responses are whole and HTTP, or else an error (`strict-response.ts`). */
export class StrictAgent extends Agent {
  constructor({
    connectTimeoutMs,
    connectionMaxAgeMs = CONNECTION_MAX_AGE_MS,
    agent,
    connect,
  }: StrictAgentOptions) {
    super({
      ...agent,
      clientTtl: connectionMaxAgeMs,
      factory: (origin, options) =>
        new Pool(origin, {
          ...options,
          factory: (poolOrigin, clientOptions) => new StrictClient(poolOrigin, clientOptions),
        }),
      connect: {
        timeout: connectTimeoutMs,
        autoSelectFamilyAttemptTimeout: Math.max(LEAST_ATTEMPT_MS, connectTimeoutMs / 2),
        ...READ_CHUNK_BY_CHUNK,
        ...connect,
      },
    });
  }

  override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const response = new StrictResponse(handler, options.method);
    const withResponse: Agent.DispatchOptions & StrictOptions = { ...options, [RESPONSE]: response };
    return super.dispatch(withResponse, response);
  }
}

type Connector = Extract<NonNullable<Client.Options['connect']>, (...args: never[]) => unknown>;

/** One connection at a time, with one request at a time on it. */
class StrictClient extends Client {
  readonly #connection: ObservedConnection;

  constructor(origin: URL, options: Client.Options) {
    const connection = new ObservedConnection();
    // A pool has made a function of what its agent was told.
    const connect = options.connect as Connector;
    super(origin, {
      ...options,
      connect: (target, callback) => {
        connect(target, (...result) => {
          // There is none after a failure, whatever the types say.
          const socket = result[1] as Socket | null | undefined;
          if (socket) {
            connection.observe(socket);
          }
          callback(...result);
        });
      },
    });
    this.#connection = connection;
  }

  override dispatch(options: StrictOptions, handler: Dispatcher.DispatchHandler): boolean {
    options[RESPONSE]?.comesOver(this.#connection);
    return super.dispatch(options, handler);
  }
}
