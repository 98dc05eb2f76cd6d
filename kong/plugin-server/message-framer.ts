// Cuts the byte stream of one connection into MsgPack messages. The protocol has no delimiter: only the values show where a
// message ends. The framer reads their headers and builds no values.
import { MAX_MESSAGE_BYTES } from './msgpack-limits';
import { PluginServerError } from './plugin-server-error';

/** Bytes that follow each byte from 0xc0 to 0xdf: a number of them, or the width of a length that says how many. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0xc0: 0,
  0xc2: 0,
  0xc3: 0,
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
  0xd4: 2,
  0xd5: 3,
  0xd6: 5,
  0xd7: 9,
  0xd8: 17,
};

type LengthOf = 'bytes' | 'ext' | 'array' | 'map';
const LENGTHS: Readonly<Record<number, readonly [width: number, of: LengthOf]>> = {
  0xc4: [1, 'bytes'],
  0xc5: [2, 'bytes'],
  0xc6: [4, 'bytes'],
  0xc7: [1, 'ext'],
  0xc8: [2, 'ext'],
  0xc9: [4, 'ext'],
  0xd9: [1, 'bytes'],
  0xda: [2, 'bytes'],
  0xdb: [4, 'bytes'],
  0xdc: [2, 'array'],
  0xdd: [4, 'array'],
  0xde: [2, 'map'],
  0xdf: [4, 'map'],
};

/**
 * One per connection. Each byte is looked at once and copied at most once, however a message is cut: a body is skipped
 * by its length, and the pieces of a message are joined when the last is there.
 *
 * Three counters are the whole state between chunks: values still to come (`#values`), bytes to skip before the next
 * header (`#skip`), and a length that has not arrived whole (`#lengthWidth` bytes of it are missing).
 */
export class MessageFramer {
  readonly #maxBytes: number;
  #values = 1;
  #skip = 0;
  #lengthWidth = 0;
  #length = 0;
  #lengthOf: LengthOf = 'bytes';
  #pieces: Buffer[] = [];
  #piecesBytes = 0;

  /** @param maxBytes cap on one message; default 64 MiB */
  constructor(maxBytes = MAX_MESSAGE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun and not ended. */
  get isMidMessage(): boolean {
    return this.#piecesBytes > 0;
  }

  /**
   * Takes the next bytes of the stream and returns the messages that they complete, in order; a message in one piece
   * is a view of `chunk`.
   *
   * @throws PluginServerError `ERR_MSGPACK_MALFORMED` on the reserved byte 0xc1, `ERR_MSGPACK_TOO_LARGE` as soon as the
   *   lengths seen so far add up to more than the cap. The stream cannot be read on after either.
   */
  feed(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let start = 0;
    while (start < chunk.length) {
      const end = this.#walk(chunk, start);
      if (end === undefined) {
        this.#keep(start === 0 ? chunk : chunk.subarray(start));
        break;
      }
      messages.push(this.#complete(chunk.subarray(start, end)));
      start = end;
    }
    return messages;
  }

  // Returns the offset behind the message's last byte, or nothing if that is not in this chunk.
  #walk(chunk: Buffer, start: number): number | undefined {
    let at = start;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else {
        const byte = chunk[at++] as number; // within bounds by the loop's condition
        if (this.#lengthWidth > 0) {
          this.#lengthByte(byte);
        } else {
          this.#valueHeader(byte);
        }
        this.#checkSize(at - start);
      }
      if (this.#values === 0 && this.#skip === 0 && this.#lengthWidth === 0) {
        return at;
      }
    }
    return undefined;
  }

  #valueHeader(byte: number): void {
    this.#values--;
    if (byte < 0x80 || byte >= 0xe0) {
      return;
    }
    if (byte < 0x90) {
      this.#values += (byte & 0x0f) * 2;
    } else if (byte < 0xa0) {
      this.#values += byte & 0x0f;
    } else if (byte < 0xc0) {
      this.#skip = byte & 0x1f;
    } else {
      this.#taggedHeader(byte);
    }
  }

  #taggedHeader(byte: number): void {
    const fixed = FIXED_BYTES[byte];
    if (fixed !== undefined) {
      this.#skip = fixed;
      return;
    }
    const length = LENGTHS[byte];
    if (length === undefined) {
      throw new PluginServerError('ERR_MSGPACK_MALFORMED', 'malformed MsgPack: reserved byte');
    }
    [this.#lengthWidth, this.#lengthOf] = length;
    this.#length = 0;
  }

  #lengthByte(byte: number): void {
    this.#length = this.#length * 0x100 + byte;
    if (--this.#lengthWidth > 0) {
      return;
    }
    switch (this.#lengthOf) {
      case 'bytes':
        this.#skip = this.#length;
        break;
      case 'ext':
        this.#skip = this.#length + 1; // its type takes a byte of its own
        break;
      case 'array':
        this.#values += this.#length;
        break;
      case 'map':
        this.#values += this.#length * 2;
        break;
    }
  }

  // Each value still to come takes a byte at least, so that a huge count is refused at its header.
  #checkSize(walked: number): void {
    if (this.#piecesBytes + walked + this.#skip + this.#values > this.#maxBytes) {
      throw new PluginServerError('ERR_MSGPACK_TOO_LARGE', `message over ${this.#maxBytes} bytes`);
    }
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
  }

  #complete(last: Buffer): Buffer {
    this.#values = 1;
    if (this.#piecesBytes === 0) {
      return last;
    }
    this.#keep(last);
    const message = Buffer.concat(this.#pieces, this.#piecesBytes);
    this.#pieces = [];
    this.#piecesBytes = 0;
    return message;
  }
}
