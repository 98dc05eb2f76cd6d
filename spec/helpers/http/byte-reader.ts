import type { Socket } from 'node:net';

/** The other end closed the connection before all requested bytes arrived. */
export class UnexpectedEnd extends Error {}

/** The bytes of a socket, read from the front as they are requested. */
export class ByteReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #hasEnded = false;
  #failure: Error | null = null;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#wake();
    });
    socket.on('end', () => this.#end(null));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(null));
  }

  /** @throws UnexpectedEnd when fewer than `size` bytes come */
  async take(size: number): Promise<Buffer> {
    while (this.#size < size) await this.#more();
    return this.#cut(size);
  }

  /**
   * Everything up to a mark, the mark included.
   * @returns null when the socket ends before a single byte
   * @throws UnexpectedEnd when it ends in the middle
   */
  async takeThrough(mark: string): Promise<Buffer | null> {
    for (;;) {
      const at = this.#joined().indexOf(mark, 0, 'latin1');
      if (at >= 0) return this.#cut(at + mark.length);
      if (this.#hasEnded && this.#size === 0 && this.#failure === null) return null;
      await this.#more();
    }
  }

  /** Everything until the other side ends. @throws when it ends by a reset */
  async takeRest(): Promise<Buffer> {
    while (!this.#hasEnded) await this.#news();
    if (this.#failure !== null) throw this.#failure;
    return this.#cut(this.#size);
  }

  async #more(): Promise<void> {
    if (this.#hasEnded) {
      const got = this.#joined().subarray(0, 200).toString('latin1');
      const reason = this.#failure?.message ?? 'the connection was closed';
      throw new UnexpectedEnd(`${reason} after ${this.#size} bytes: ${JSON.stringify(got)}`);
    }
    await this.#news();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #joined(): Buffer {
    const joined = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = joined === undefined || joined.length === 0 ? [] : [joined];
    return joined ?? Buffer.alloc(0);
  }

  #cut(size: number): Buffer {
    const joined = this.#joined();
    this.#chunks = joined.length > size ? [joined.subarray(size)] : [];
    this.#size -= size;
    return joined.subarray(0, size);
  }

  #end(failure: Error | null): void {
    this.#hasEnded = true;
    this.#failure ??= failure;
    this.#wake();
  }
}
