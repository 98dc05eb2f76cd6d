// One connection of Kong's pool: decodes requests, passes them to the RPC server and sends the answers. Neither the input
// on a socket nor the way it ends may affect another connection.
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { describeError } from './describe-error';
import type { EventAnswer } from './event-channel';
import { MessageFramer } from './message-framer';
import { decodeMsgpack } from './msgpack-decode';
import { encodeMsgpack } from './msgpack-encode';
import { PluginServerError } from './plugin-server-error';
import { rpcMethods } from './rpc-methods';
import type { RpcServer } from './rpc-server';

const REQUEST = 0;
const RESPONSE = 1;

/** Serves a socket until either side closes it. Answers are sent in the order in which they are ready. */
export class RpcConnection {
  readonly #socket: Socket;
  readonly #server: RpcServer;
  readonly #logger: Logger;
  readonly #framer: MessageFramer;
  #unanswered = 0;

  /** @param maxMessageBytes see {@link MessageFramer} */
  constructor(socket: Socket, server: RpcServer, logger: Logger, maxMessageBytes?: number) {
    this.#socket = socket;
    this.#server = server;
    this.#logger = logger;
    this.#framer = new MessageFramer(maxMessageBytes);
    socket.on('data', (chunk) => this.#onData(chunk));
    // Kong's workers reset connections when they end or time out. This does not affect other connections.
    socket.on('error', (error) => logger.debug({ error: describeError(error) }, 'connection lost'));
  }

  /** Whether no request is partly received or unanswered. */
  get isIdle(): boolean {
    return this.#unanswered === 0 && !this.#framer.isMidMessage;
  }

  #onData(chunk: Buffer): void {
    try {
      for (const message of this.#framer.feed(chunk)) {
        this.#onMessage(message);
      }
    } catch (error) {
      // The beginning of the next message is unknown.
      this.#logger.error({ error: describeError(error) }, 'unreadable message, connection closed');
      this.#socket.destroy();
    }
  }

  #onMessage(message: Buffer): void {
    const request = decodeMsgpack(message);
    if (!Array.isArray(request) || request[0] !== REQUEST || typeof request[1] !== 'number') {
      throw new PluginServerError('ERR_RPC_REQUEST', 'not an RPC request');
    }
    const [, id, method, params] = request as [unknown, number, unknown, unknown];
    this.#unanswered++;
    const onError = (error: unknown): void => this.#answerError(id, error);
    try {
      this.#call(method, params).then((result) => this.#answer(id, result), onError);
    } catch (error) {
      onError(error);
    }
  }

  #call(method: unknown, params: unknown): Promise<unknown> {
    const run = rpcMethods.get(method);
    if (run === undefined) {
      throw new PluginServerError('ERR_RPC_REQUEST', `no RPC method ${String(method).slice(0, 64)}`);
    }
    return run(this.#server, Array.isArray(params) ? params[0] : undefined);
  }

  #answer(id: number, result: unknown): void {
    let bytes: Buffer;
    try {
      bytes = encodeMsgpack([RESPONSE, id, null, result]);
    } catch (error) {
      // Only a value from a plugin can have no encoding, and it is an event's answer.
      const substitute = this.#server.replaceUnsendable(result as EventAnswer, error as Error);
      bytes = encodeMsgpack([RESPONSE, id, null, substitute]);
    }
    this.#send(bytes);
  }

  #answerError(id: number, error: unknown): void {
    this.#logger.warn({ error: describeError(error) }, 'RPC call failed');
    this.#send(encodeMsgpack([RESPONSE, id, error instanceof Error ? error.message : String(error), null]));
  }

  #send(bytes: Buffer): void {
    this.#unanswered--;
    if (!this.#socket.destroyed) {
      this.#socket.write(bytes);
    }
  }
}
