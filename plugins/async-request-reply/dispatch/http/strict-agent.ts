// undici's Agent, made as strict as a gateway has to be: a response is HTTP, and complete. undici rejects a 100 that was not
// requested, treats a body that ends with its connection as complete also if the connection was reset, expects content in
// responses that have none, and fails if its parser is paused at the end of a connection.
import type { Socket } from 'node:net';
import { Agent, Client, Pool, type Dispatcher } from 'undici';
import { ObservedConnection } from './observed-connection';
import { StrictResponse } from './strict-response';

/** Maximum age of a connection, so that changes of DNS take effect. */
const CONNECTION_MAX_AGE_MS = 10_000;

/** Minimum time for each of several addresses: the default of Node.js (`net.connect`). */
const LEAST_ATTEMPT_MS = 250;

/**
 * Reading stops with each chunk, and continues when the chunk has been consumed. If libuv reads on after the last bytes, it
 * reports a reset as an end (`uv__stream_io`).
 */
const READ_CHUNK_BY_CHUNK = {
  highWaterMark: undefined,
  readableHighWaterMark: 1,
  writableHighWaterMark: 65_536,
};

interface StrictAgentOptions {
  /** Time to open a connection, TLS included. Each of several addresses has half of it. */
  readonly connectTimeoutMs: number;
  /** After this time a connection gets no new request. Default 10 s. */
  readonly connectionMaxAgeMs?: number;
  /** Further options of undici. */
  readonly agent?: Agent.Options;
  /** Options of `net.connect` and `tls.connect`. */
  readonly connect?: object;
}

/** The property of a request's options that passes its response from the agent to a client. */
const RESPONSE = Symbol('response');

type StrictOptions = Dispatcher.DispatchOptions & { readonly [RESPONSE]?: StrictResponse };

/** An agent whose responses are complete and valid HTTP, or else an error (`strict-response.ts`). */
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
    // The pool has built a function from the agent's options.
    const connect = options.connect as Connector;
    super(origin, {
      ...options,
      connect: (target, callback) => {
        connect(target, (...result) => {
          // There is no socket after a failure, contrary to the types.
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
