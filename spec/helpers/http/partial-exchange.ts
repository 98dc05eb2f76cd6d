// A client that stops in the middle: of what it sends, or of what it reads.
import { connect, type Socket } from 'node:net';
import { headBytes } from './http-message';
import type { FieldsInput } from './fields';
import { toFields } from './fields';

export class PartialExchange {
  readonly #socket: Socket;
  readonly #pieces: Buffer[] = [];
  readonly #closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (piece: Buffer) => this.#pieces.push(piece));
    // How the connection ended is for the specs to see in what came.
    socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** Connects and sends the head of a request, with nothing of its body. */
  static async begin(port: number, line: string, headers: FieldsInput = {}): Promise<PartialExchange> {
    const socket = connect({ port, host: '127.0.0.1' });
    const exchange = new PartialExchange(socket);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.write(headBytes(`${line} HTTP/1.1`, [['Host', `127.0.0.1:${port}`], ...toFields(headers)]));
    return exchange;
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** What came, head and all. */
  get received(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** What came after the head. */
  get content(): Buffer {
    const { received } = this;
    const end = received.indexOf('\r\n\r\n');
    return end < 0 ? Buffer.alloc(0) : received.subarray(end + 4);
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads on to the end of the connection. */
  async rest(): Promise<void> {
    this.#socket.resume();
    await this.#closed;
  }

  async hangUp(): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }
}
