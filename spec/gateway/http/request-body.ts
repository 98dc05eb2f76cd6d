import type { IncomingMessage, ServerResponse } from 'node:http';

/** nginx's `client_body_buffer_size` under Kong: a longer body is on disk. */
const BUFFER_BYTES = 8192;

/** The client's body, read once and kept, as nginx does with `proxy_request_buffering on`. */
export class RequestBody {
  #bytes: Promise<Buffer> | null = null;
  #length: number | null = null;

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

  /** True where nginx would hold the body in a file and not in memory. */
  get isOnDisk(): boolean {
    return (this.#length ?? 0) > BUFFER_BYTES;
  }

  async #readAll(): Promise<Buffer> {
    if (this.incoming.headers.expect?.toLowerCase() === '100-continue') this.response.writeContinue();
    const chunks: Buffer[] = [];
    for await (const chunk of this.incoming) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    this.#length = bytes.length;
    return bytes;
  }
}
