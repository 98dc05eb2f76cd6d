import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Decoder } from './message-decoder';

/** Something that was seen between Kong and a plugin server, in the words of rpc-transcript.jsonl. */
export interface TapEvent {
  conn: number;
  ev?: string;
  from?: 'kong' | 'pluginserver';
  bytes?: number;
  msg?: unknown;
}

/** Stands between Kong and a plugin server and takes down what is said. A connection that the server refuses is closed. */
export class RpcTap {
  readonly events: TapEvent[] = [];
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tap-'));
  readonly #server = net.createServer({ allowHalfOpen: true }, (socket) => this.#join(socket));
  readonly #sockets = new Set<net.Socket>();
  #target = '';
  #count = 0;

  static async start(): Promise<RpcTap> {
    const tap = new RpcTap();
    await new Promise<void>((resolve) => tap.#server.listen(tap.socketPath, resolve));
    return tap;
  }

  get socketPath(): string {
    return path.join(this.#folder, 'tap.sock');
  }

  /** Says where the plugin server listens, and forgets what was seen before; connections count on from there. */
  aimAt(target: string, connectionsBefore = 0): void {
    this.#target = target;
    this.#count = connectionsBefore;
    this.events.length = 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    fs.rmSync(this.#folder, { recursive: true });
  }

  #join(kong: net.Socket): void {
    if (this.#target === '') {
      kong.destroy();
      return;
    }
    const conn = ++this.#count;
    this.events.push({ conn, ev: 'kong connects' });
    const server = net.connect(this.#target);
    server.once('connect', () => {
      this.#pass(conn, 'kong', kong, server);
      this.#pass(conn, 'pluginserver', server, kong);
    });
    for (const socket of [kong, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    server.on('close', () => this.#closed(conn, 'pluginserver side closed', kong));
    kong.on('end', () => this.#closed(conn, 'kong side closed', server));
    kong.on('close', () => this.#closed(conn, 'kong side closed', server));
  }

  #closed(conn: number, ev: string, other: net.Socket): void {
    if (!this.events.some((event) => event.conn === conn && event.ev === ev)) this.events.push({ conn, ev });
    other.destroy();
  }

  #pass(conn: number, from: 'kong' | 'pluginserver', source: net.Socket, sink: net.Socket): void {
    const decoder = new Decoder();
    source.on('data', (chunk: Buffer) => {
      for (const { bytes, message } of decoder.push(chunk))
        this.events.push({ conn, from, bytes, msg: message });
      sink.write(chunk);
    });
  }
}
