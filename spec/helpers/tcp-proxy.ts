// A wire that a spec can cut: connections to another port of 127.0.0.1 go through here.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { freePort } from './gateway/free-port';

export class TcpProxy {
  readonly port: number;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #isCut = false;

  /** When bytes came from the side that connects, by `performance.now()`, and on which connection. */
  readonly sent: { atMs: number; connection: number; bytes: Buffer }[] = [];
  /** Whether `sent` is kept. */
  isRecording = false;
  #connections = 0;

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  /** A port of which every connection is refused until `open()`. */
  static async reserve(target: number): Promise<TcpProxy> {
    return new TcpProxy(await freePort(), target);
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = await TcpProxy.reserve(target);
    await proxy.open();
    return proxy;
  }

  async open(): Promise<void> {
    const server = createServer((socket) => this.#pass(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
  }

  /** Nothing comes through any more, in either direction, and nobody is told: as when a cable is pulled. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was sent meanwhile arrives. */
  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Closes every connection and refuses further ones. Idempotent. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }

  #pass(near: Socket): void {
    const connection = ++this.#connections;
    const far = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes: Buffer) => {
        if (from === near && this.isRecording) {
          this.sent.push({ atMs: performance.now(), connection, bytes });
        }
        to.write(bytes);
      });
      // A broken half takes the other along; why it broke is the business of whoever holds its end.
      from.on('error', () => undefined);
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isCut) from.pause();
    }
  }
}
