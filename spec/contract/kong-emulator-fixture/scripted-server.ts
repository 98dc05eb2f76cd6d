import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pack } from 'msgpackr';
import { Decoder } from './message-decoder';

/** A message of Kong's: its ID, its method without `plugin.`, its argument. */
export interface KongMessage {
  id: number;
  method: string;
  argument: unknown;
  /** Sends the usual answer. */
  answer(result: unknown): void;
  fail(error: string): void;
  /** Sends bytes as they are. */
  send(bytes: Buffer): void;
  hangUp(): void;
}

/** A plugin server that says what a test wants said. */
export class ScriptedServer {
  readonly messages: KongMessage[] = [];
  /** What to do with a message; by default instances start, events end at once. */
  onMessage: (message: KongMessage) => void = usual;
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'script-'));
  readonly #sockets = new Set<net.Socket>();
  readonly #server = net.createServer((socket) => this.#join(socket));

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await new Promise<void>((resolve) => server.#server.listen(server.socketPath, resolve));
    return server;
  }

  get socketPath(): string {
    return path.join(this.#folder, 'scripted.sock');
  }

  /** How many messages of a method there were. */
  count(method: string): number {
    return this.messages.filter((message) => message.method === method).length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    fs.rmSync(this.#folder, { recursive: true });
  }

  #join(socket: net.Socket): void {
    const decoder = new Decoder();
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const { message } of decoder.push(chunk)) {
        this.#take(socket, message as [number, number, string, unknown[]]);
      }
    });
  }

  #take(socket: net.Socket, [, id, name, [argument]]: [number, number, string, unknown[]]): void {
    const message: KongMessage = {
      id,
      method: name.replace('plugin.', ''),
      argument,
      answer: (result) => socket.write(pack([1, id, null, result])),
      fail: (error) => socket.write(pack([1, id, error, null])),
      send: (bytes) => socket.write(bytes),
      hangUp: () => socket.destroy(),
    };
    this.messages.push(message);
    this.onMessage(message);
  }
}

let instances = 0;

/** Starts instances with numbers of their own and lets every event end at once. */
export function usual(message: KongMessage): void {
  if (message.method === 'StartInstance') {
    message.answer({ Name: 'js-lab', Id: instances++, Config: {}, StartTime: 0 });
  } else message.answer({ EventId: 0, Data: 'ret' });
}
