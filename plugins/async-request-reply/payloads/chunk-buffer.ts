// Cuts a stream of pieces into chunks of one size, copying each byte once. A full chunk stays in the buffer until more bytes
// arrive, so that the last chunk is known to be the last.
import { CHUNK_BYTES } from './payload';

export class ChunkBuffer {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** Adds a piece, and yields the chunks that are full and not the last. */
  *add(piece: Buffer): Generator<Buffer> {
    let rest = piece;
    while (this.#bytes + rest.length > CHUNK_BYTES) {
      const missing = CHUNK_BYTES - this.#bytes;
      if (missing > 0) {
        this.#pieces.push(rest.subarray(0, missing));
        rest = rest.subarray(missing);
      }
      yield this.#take();
    }
    if (rest.length > 0) {
      this.#pieces.push(rest);
      this.#bytes += rest.length;
    }
  }

  /** The last chunk, or undefined if there were no bytes. */
  rest(): Buffer | undefined {
    return this.#pieces.length === 0 ? undefined : this.#take();
  }

  #take(): Buffer {
    const [only] = this.#pieces;
    const chunk = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return chunk;
  }
}
