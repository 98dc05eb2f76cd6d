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
  readonly #fromKong = new Set<net.Socket>();
  #target = '';
  #count = 0;
  /** Connections to an earlier target are no longer recorded. */
  #generation = 0;

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
    this.#generation++;
    this.events.length = 0;
  }

  /** Whether Kong keeps none of its connections: it has seen that each was closed. */
  get isIdle(): boolean {
    return this.#fromKong.size === 0;
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
    const generation = this.#generation;
    const record = (event: Omit<TapEvent, 'conn'>): void => {
      if (generation === this.#generation) this.events.push({ conn, ...event });
    };
    record({ ev: 'kong connects' });
    const server = net.connect(this.#target);
    server.once('connect', () => {
      pass('kong', kong, server, record);
      pass('pluginserver', server, kong, record);
    });
    for (const socket of [kong, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    let isClosed = false;
    const closed = (ev: string): void => {
      if (!isClosed) record({ ev });
      isClosed = true;
    };
    const kongIsGone = (): void => {
      closed('kong side closed');
      server.destroy();
      kong.destroy();
    };
    this.#fromKong.add(kong);
    kong.on('close', () => this.#fromKong.delete(kong));
    server.on('close', () => {
      closed('pluginserver side closed');
      kong.end();
    });
    kong.on('end', kongIsGone);
    kong.on('close', kongIsGone);
  }
}

function pass(
  from: 'kong' | 'pluginserver',
  source: net.Socket,
  sink: net.Socket,
  record: (event: Omit<TapEvent, 'conn'>) => void,
): void {
  const decoder = new Decoder();
  source.on('data', (chunk: Buffer) => {
    for (const { bytes, message } of decoder.push(chunk)) record({ from, bytes, msg: message });
    sink.write(chunk);
  });
}
