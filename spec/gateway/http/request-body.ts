import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { openNameless } from './nameless-file';

/** nginx's `client_body_buffer_size` under Kong, and a quarter more: what is left of a shorter body fits. */
const BUFFER_BYTES = 8192;
const SINGLE_BUFFER_BYTES = BUFFER_BYTES + BUFFER_BYTES / 4;

/** The buffer for a request's head; the beginning of the body that fits behind the head is in memory too. */
const HEADER_BUFFER_BYTES = 1024;

/** How much of a body the emulator keeps in memory. A longer body goes to a file without a name. */
const MEMORY_BYTES = 1_048_576;

/** A body on its way to the upstream. */
export type BodySource =
  /** All of it is here, and may be sent as often as needed. */
  | { kind: 'whole'; length: number; content: Buffer | (() => Readable) }
  /** It comes from the client while it is sent; null is a chunked one. */
  | { kind: 'stream'; length: number | null; stream: Readable };

/** The client's body: read once and kept, as nginx does with `proxy_request_buffering on`, or handed through. */
export class RequestBody {
  #received: Promise<void> | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #file: FileHandle | null = null;
  #length: number | null = null;
  #isContinued = false;

  constructor(
    private readonly incoming: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    response.once('close', () => void this.#release());
  }

  /** How many bytes there were, or null before they were read. */
  get readLength(): number | null {
    return this.#length;
  }

  /** All of it in memory. @throws when the client goes away in the middle */
  async read(): Promise<Buffer> {
    await this.#receive();
    if (!this.#file || this.#length === null) return this.#bytes;
    const bytes = Buffer.alloc(this.#length);
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await this.#file.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) throw new Error('the file of a body is shorter than the body');
      at += bytesRead;
    }
    return bytes;
  }

  /** What to send on: all of it, once it is here, or the client's bytes as they come, unless they have been read. */
  async source(isBuffered: boolean, headLength: number): Promise<BodySource> {
    if (!isBuffered && !this.#received && !this.#isWithHead(headLength)) {
      this.sayContinue();
      const length = this.#isChunked ? null : this.#declaredLength;
      return { kind: 'stream', length, stream: this.incoming };
    }
    await this.#receive();
    const file = this.#file;
    const content = file ? () => file.createReadStream({ start: 0, autoClose: false }) : this.#bytes;
    return { kind: 'whole', length: this.#length ?? 0, content };
  }

  /** Replaces the body. */
  replace(bytes: Buffer): void {
    void this.#file?.close();
    this.#received = Promise.resolve();
    this.#file = null;
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  /**
   * True where nginx would hold the body in a file and not in memory. Which it is hangs on how much of the body came
   * with the head; taken is a client that sends both at once.
   */
  isOnDisk(headLength: number): boolean {
    const rest = (this.#length ?? 0) - preread(headLength);
    return this.#isChunked ? rest > BUFFER_BYTES : rest >= SINGLE_BUFFER_BYTES;
  }

  /** Answers `Expect: 100-continue`, once; nginx does so before any answer, whether it wants the body or not. */
  sayContinue(): void {
    if (this.#isContinued || this.incoming.headers.expect?.toLowerCase() !== '100-continue') return;
    this.#isContinued = true;
    this.response.writeContinue();
  }

  get #isChunked(): boolean {
    return this.incoming.headers['transfer-encoding'] !== undefined;
  }

  get #declaredLength(): number {
    return Number(this.incoming.headers['content-length'] ?? 0);
  }

  /** True of a body that nginx has with the head, and of none. */
  #isWithHead(headLength: number): boolean {
    return !this.#isChunked && this.#declaredLength <= preread(headLength);
  }

  #receive(): Promise<void> {
    this.#received ??= this.#receiveAll();
    return this.#received;
  }

  async #receiveAll(): Promise<void> {
    this.sayContinue();
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.incoming as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (this.#file) await this.#file.writeFile(chunk);
      else chunks.push(chunk);
      if (!this.#file && length > MEMORY_BYTES) {
        this.#file = await openNameless();
        await this.#file.writeFile(Buffer.concat(chunks.splice(0)));
      }
    }
    this.#bytes = Buffer.concat(chunks);
    this.#length = length;
  }

  async #release(): Promise<void> {
    await this.#received?.catch(() => undefined);
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}

/** How much of a body comes with the head, of a client that sends both at once. */
function preread(headLength: number): number {
  return Math.max(0, HEADER_BUFFER_BYTES - headLength);
}
