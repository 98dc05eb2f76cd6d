// A wire that a spec can cut: connections to another port of 127.0.0.1 go through here.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './gateway/free-port';

export class TcpProxy {
  readonly port: number;
  #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #isCut = false;

  readonly #latencyMs: number;
  #roundTrips = 0;
  #isAsking = false;
  #holdsReplies = false;
  #losesRepliesFrom: ((bytes: Buffer) => boolean) | undefined;
  #holdsRequest: ((bytes: Buffer) => boolean) | undefined;
  #held: (() => void)[] = [];

  private constructor(port: number, target: number, latencyMs: number) {
    this.port = port;
    this.#target = target;
    this.#latencyMs = latencyMs;
  }

  /** A port of which every connection is refused until `open()`. */
  static async reserve(target: number): Promise<TcpProxy> {
    return new TcpProxy(await freePort(), target, 0);
  }

  /** @param latencyMs what every reply takes: what is sent without waiting for one is sent before it comes. */
  static async start(target: number, latencyMs = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(await freePort(), target, latencyMs);
    await proxy.open();
    return proxy;
  }

  /** How many requests so far followed a reply. */
  get roundTrips(): number {
    return this.#roundTrips;
  }

  async open(): Promise<void> {
    const server = createServer((socket) => this.#pass(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
  }

  /** Nothing passes any more, in either direction, without a close: as if a cable was pulled. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Closes every connection; further ones go to another port, as when an address moves to another machine. */
  redirect(target: number): void {
    this.#target = target;
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Requests arrive, and no reply returns: from now on, or from the first chunk that `matches`. */
  holdReplies(matches?: (bytes: Buffer) => boolean): void {
    this.#losesRepliesFrom = matches;
    this.#holdsReplies = matches === undefined;
  }

  /** On each connection, requests are delayed from the first chunk that `matches` until `letGo`. */
  holdRequests(matches: (bytes: Buffer) => boolean): void {
    this.#holdsRequest = matches;
  }

  /** Whether a connection is open. */
  get isConnected(): boolean {
    return this.#sockets.size > 0;
  }

  /** Whether requests are delayed. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Sends the delayed requests in order, and delays no more. */
  letGo(): void {
    this.#holdsRequest = undefined;
    for (const send of this.#held.splice(0)) send();
  }

  /** What was sent while the connection was cut arrives; delayed replies are lost. */
  mend(): void {
    this.#isCut = false;
    this.#holdsReplies = false;
    this.#losesRepliesFrom = undefined;
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
    const far = connect(this.#target, '127.0.0.1');
    let isHeld = false;
    near.on('data', (bytes: Buffer) => {
      isHeld = this.#holdsRequest !== undefined && (isHeld || this.#holdsRequest(bytes));
      if (isHeld) return void this.#held.push(() => far.write(bytes));
      this.#roundTrips += this.#isAsking ? 0 : 1;
      this.#isAsking = true;
      this.#holdsReplies ||= this.#losesRepliesFrom?.(bytes) === true;
      far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (this.#holdsReplies) return;
      if (this.#latencyMs > 0) setTimeout(() => this.#reply(near, bytes), this.#latencyMs);
      else this.#reply(near, bytes);
    });
    this.#tie(near, far);
    this.#tie(far, near);
  }

  #reply(near: Socket, bytes: Buffer): void {
    this.#isAsking = false;
    near.write(bytes);
  }

  #tie(half: Socket, other: Socket): void {
    this.#sockets.add(half);
    half.setNoDelay(true);
    // A broken half closes the other; each end handles its own error.
    half.on('error', () => undefined);
    half.once('close', () => {
      this.#sockets.delete(half);
      other.destroy();
    });
    if (this.#isCut) half.pause();
  }
}
