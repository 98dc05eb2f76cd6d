import type { IncomingMessage, ServerResponse } from 'node:http';

/** nginx's `client_body_buffer_size` under Kong, and a quarter more: what is left of a shorter body fits. */
const BUFFER_BYTES = 8192;
const SINGLE_BUFFER_BYTES = BUFFER_BYTES + BUFFER_BYTES / 4;

/** The buffer for a request's head; the beginning of the body that fits behind the head is in memory too. */
const HEADER_BUFFER_BYTES = 1024;

/** The client's body, read once and kept, as nginx does with `proxy_request_buffering on`. */
export class RequestBody {
  #bytes: Promise<Buffer> | null = null;
  #length: number | null = null;
  #isContinued = false;

  constructor(
    private readonly incoming: IncomingMessage,
    private readonly response: ServerResponse,
  ) {}

  /** How many bytes there were, or null before they were read. */
  get readLength(): number | null {
    return this.#length;
  }

  /** @throws when the client goes away in the middle */
  read(): Promise<Buffer> {
    this.#bytes ??= this.#readAll();
    return this.#bytes;
  }

  /** Puts another body in its place. */
  replace(bytes: Buffer): void {
    this.#bytes = Promise.resolve(bytes);
    this.#length = bytes.length;
  }

  /**
   * True where nginx would hold the body in a file and not in memory. Which it is hangs on how much of the body came
   * with the head; taken is a client that sends both at once.
   */
  isOnDisk(headLength: number): boolean {
    const preread = Math.max(0, HEADER_BUFFER_BYTES - headLength);
    const rest = (this.#length ?? 0) - preread;
    const isChunked = this.incoming.headers['transfer-encoding'] !== undefined;
    return isChunked ? rest > BUFFER_BYTES : rest >= SINGLE_BUFFER_BYTES;
  }

  /** Answers `Expect: 100-continue`, once; nginx does so before any answer, whether it wants the body or not. */
  sayContinue(): void {
    if (this.#isContinued || this.incoming.headers.expect?.toLowerCase() !== '100-continue') return;
    this.#isContinued = true;
    this.response.writeContinue();
  }

  async #readAll(): Promise<Buffer> {
    this.sayContinue();
    const chunks: Buffer[] = [];
    for await (const chunk of this.incoming) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    this.#length = bytes.length;
    return bytes;
  }
}
