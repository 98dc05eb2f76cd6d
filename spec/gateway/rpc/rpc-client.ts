import type { GatewayLog } from '../gateway-log';
import { luaPack } from './lua-pack';
import { LuaError, luaText, type LuaValue } from './lua-value';
import { SocketPool, type PooledSocket } from './socket-pool';

/** What Kong's `Rpc:call` returns: a result, or an error that it logs and then lets the request pass with. */
export type CallOutcome = { ok: true; result: LuaValue } | { ok: false; error: string };

/**
 * MsgPack:1 from one Kong worker to one plugin server, after `kong/runloop/plugin_servers/rpc/mp_rpc.lua`: every call
 * has its own message ID and its own turn on a connection.
 */
export class RpcClient {
  readonly #pool: SocketPool;
  readonly #timeoutMs: number;
  readonly #log: GatewayLog;
  readonly #notify: (label: string, argument: LuaValue) => void;
  #messageId = 0;

  constructor(options: {
    socketPath: string;
    timeoutMs: number;
    log: GatewayLog;
    notify: (label: string, argument: LuaValue) => void;
  }) {
    this.#pool = new SocketPool(options.socketPath);
    this.#timeoutMs = options.timeoutMs;
    this.#log = options.log;
    this.#notify = options.notify;
  }

  /** @throws LuaError where Kong's Lua raises: an argument that cannot be packed, an answer that is none */
  async call(method: string, argument: LuaValue): Promise<CallOutcome> {
    const id = ++this.#messageId;
    const socket = await this.#connect();
    if (typeof socket === 'string') return { ok: false, error: socket };
    try {
      socket.send(luaPack([0, id, method, [argument]]));
      const outcome = await this.#answer(socket, id);
      this.#pool.giveBack(socket);
      return outcome;
    } catch (error) {
      // The request dies with the connection in its hands, and nginx closes it.
      socket.close();
      throw error;
    }
  }

  /** Takes a connection and a message ID and then fails to pack, as Kong does with a nil raw body. */
  async failToPack(reason: string): Promise<never> {
    this.#messageId++;
    const socket = await this.#connect();
    if (typeof socket !== 'string') socket.close();
    throw new LuaError(reason);
  }

  close(): void {
    this.#pool.close();
  }

  async #connect(): Promise<PooledSocket | string> {
    try {
      return await this.#pool.take();
    } catch (error) {
      const reason = connectError(error as NodeJS.ErrnoException);
      this.#log.error(`trying to connect: ${reason}`);
      return reason;
    }
  }

  async #answer(socket: PooledSocket, id: number): Promise<CallOutcome> {
    for (;;) {
      const received = await socket.receive(this.#timeoutMs);
      if (received.kind === 'no data') return { ok: false, error: 'no data' };
      if (received.kind === 'broken') throw new LuaError(received.cause.message);
      const message = Array.isArray(received.value) ? received.value : [];
      if (message[0] === 2) {
        this.#notify(luaText(message[1]), message[2]);
        continue;
      }
      if (message[0] !== 1) throw new LuaError('RPC response expected from Go plugin server');
      if (message[1] !== id) throw new LuaError('unexpected RPC response ID from Go plugin server');
      const error = message[2];
      if (error === null || error === undefined) return { ok: true, result: message[3] };
      return { ok: false, error: typeof error === 'string' ? error : JSON.stringify(error) };
    }
  }
}

function connectError(error: NodeJS.ErrnoException): string {
  const words: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ENOENT: 'no such file or directory',
    EAGAIN: 'resource temporarily unavailable',
  };
  return words[error.code ?? ''] ?? error.message;
}
