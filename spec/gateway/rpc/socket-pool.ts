import net from 'node:net';
import { luaUnpack, Underflow } from './lua-unpack';
import type { LuaValue } from './lua-value';

/** What ended a wait for a message: the value, nothing at all, or a value that broke off. */
type Received = { kind: 'value'; value: LuaValue } | { kind: 'no data' } | { kind: 'broken'; cause: Error };

/** OpenResty's `lua_socket_pool_size` in Kong 3.9, and its default for idle sockets. */
const POOL_SIZE = 256;
const IDLE_TIMEOUT_MS = 60_000;

/**
 * The connections of one Kong worker to one plugin server: the one given back last is taken first, one message at a
 * time goes over each, and one that hears anything while idle is closed (ngx_http_lua_socket_tcp.c, keepalive).
 */
export class SocketPool {
  readonly #path: string;
  readonly #idle: PooledSocket[] = [];
  readonly #open = new Set<PooledSocket>();

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws the system's error when the socket cannot be connected: ENOENT, ECONNREFUSED, EAGAIN on a full backlog */
  async take(): Promise<PooledSocket> {
    return this.#idle.pop() ?? (await this.#connect());
  }

  /** Keeps the connection for the next call, unless it is closed already. */
  giveBack(socket: PooledSocket): void {
    if (socket.closed) return;
    if (this.#idle.length >= POOL_SIZE) this.#idle.shift()?.close();
    this.#idle.push(socket);
    socket.rest(IDLE_TIMEOUT_MS);
  }

  close(): void {
    for (const socket of this.#open) socket.close();
  }

  #connect(): Promise<PooledSocket> {
    return new Promise((resolve, reject) => {
      const raw = net.connect(this.#path);
      raw.once('error', reject);
      raw.once('connect', () => {
        raw.removeListener('error', reject);
        const socket = new PooledSocket(raw, () => this.#forget(socket));
        this.#open.add(socket);
        resolve(socket);
      });
    });
  }

  #forget(socket: PooledSocket): void {
    this.#open.delete(socket);
    const at = this.#idle.indexOf(socket);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

/** One connection: either at rest in the pool or waiting for a single message. */
export class PooledSocket {
  closed = false;
  readonly #raw: net.Socket;
  #buffered: Buffer[] = [];
  #size = 0;
  #needed = 1;
  #waiting: ((received: Received) => void) | null = null;
  #isResting = false;

  constructor(raw: net.Socket, onClose: () => void) {
    this.#raw = raw;
    raw.on('data', (chunk: Buffer) => this.#onData(chunk));
    raw.on('timeout', () => this.#onTimeout());
    raw.on('error', () => this.close());
    raw.on('end', () => this.close());
    raw.on('close', () => {
      this.closed = true;
      onClose();
      this.#settle({ kind: 'no data' });
    });
  }

  send(bytes: Buffer): void {
    this.#isResting = false;
    this.#raw.write(bytes);
  }

  /** Waits for one message; `timeoutMs` is between any two pieces of it, as nginx's read timeout is. */
  receive(timeoutMs: number): Promise<Received> {
    if (this.closed) return Promise.resolve({ kind: 'no data' });
    this.#raw.setTimeout(timeoutMs);
    this.#needed = 1;
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (this.#size > 0) this.#tryUnpack();
    });
  }

  /** Nobody waits any more: what is left of the last piece is forgotten, as it is with Kong's reader. */
  rest(timeoutMs: number): void {
    this.#isResting = true;
    this.#keep(Buffer.alloc(0));
    this.#raw.setTimeout(timeoutMs);
  }

  close(): void {
    this.closed = true;
    this.#raw.destroy();
  }

  /** A wait that is over leaves the connection open, and it goes back to the pool; whatever comes late finds it there. */
  #onTimeout(): void {
    if (this.#isResting) this.close();
    else this.#settle({ kind: 'no data' });
  }

  #onData(chunk: Buffer): void {
    if (this.#isResting) {
      this.close();
      return;
    }
    this.#buffered.push(chunk);
    this.#size += chunk.length;
    if (this.#waiting && this.#size >= this.#needed) this.#tryUnpack();
  }

  #tryUnpack(): void {
    const bytes = this.#buffered.length === 1 ? (this.#buffered[0] as Buffer) : Buffer.concat(this.#buffered);
    this.#buffered = [bytes];
    try {
      const { value, end } = luaUnpack(bytes);
      this.#keep(bytes.subarray(end));
      this.#settle({ kind: 'value', value });
    } catch (error) {
      if (error instanceof Underflow) this.#needed = error.needed;
      else this.#settle({ kind: 'broken', cause: error as Error });
    }
  }

  #keep(rest: Buffer): void {
    this.#buffered = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
  }

  #settle(received: Received): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = null;
    // Kong unpacks as it reads: a message that breaks off in the middle raises, one that never began does not.
    if (received.kind === 'no data' && this.#size > 0) {
      waiting({ kind: 'broken', cause: new Error('missing bytes') });
    } else waiting(received);
  }
}
