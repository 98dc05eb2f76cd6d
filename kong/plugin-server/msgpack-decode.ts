// The reading half of the codec between Kong and the plugin server. Kong packs with lua-MessagePack 0.5.4, where a
// string is a row of bytes in no particular encoding, so no decoder that assumes UTF-8 can be used here.
import { MSGPACK_MAX_DEPTH } from './msgpack-limits';
import { PluginServerError } from './plugin-server-error';

/** What an ext value decodes into. Kong sends none; they are read so that one is no reason to hang up. */
interface MsgpackExt {
  readonly extType: number;
  readonly data: Buffer;
}

/**
 * Decodes one whole message.
 *
 * - str: a JavaScript string with one character per byte (Latin-1), so that no byte is lost; text that is UTF-8 on the
 *   wire is had by `Buffer.from(text, 'latin1').toString('utf8')`.
 * - bin: a Buffer that views the message's own memory; nothing else writes there.
 * - map: an object without prototype, so that a key such as `__proto__` is like any other. Number and boolean keys
 *   become their text.
 * - int64 and uint64: a number; beyond 2^53 the nearest one, which is what Lua had, whose numbers are doubles.
 * - nil: null. ext: {@link MsgpackExt}.
 *
 * @throws PluginServerError `ERR_MSGPACK_MALFORMED` on a reserved byte, on a length beyond the message, or if bytes
 *   are left over; `ERR_MSGPACK_TOO_DEEP` beyond {@link MSGPACK_MAX_DEPTH}. Its message tells an offset, never content.
 */
export function decodeMsgpack(message: Buffer): unknown {
  const reader = new Reader(message);
  const value = reader.value(0);
  reader.expectEnd();
  return value;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  expectEnd(): void {
    if (this.#at !== this.#bytes.length) {
      throw this.#malformed('bytes left over');
    }
  }

  value(depth: number): unknown {
    const token = this.#uint(1);
    if (token < 0x80) {
      return token;
    }
    if (token < 0x90) {
      return this.#map(token & 0x0f, depth);
    }
    if (token < 0xa0) {
      return this.#array(token & 0x0f, depth);
    }
    if (token < 0xc0) {
      return this.#string(token & 0x1f);
    }
    if (token >= 0xe0) {
      return token - 0x100;
    }
    return this.#tagged(token, depth);
  }

  #tagged(token: number, depth: number): unknown {
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#take(this.#uint(1));
      case 0xc5:
        return this.#take(this.#uint(2));
      case 0xc6:
        return this.#take(this.#uint(4));
      case 0xc7:
        return this.#ext(this.#uint(1));
      case 0xc8:
        return this.#ext(this.#uint(2));
      case 0xc9:
        return this.#ext(this.#uint(4));
      case 0xca:
        return this.#take(4).readFloatBE(0);
      case 0xcb:
        return this.#take(8).readDoubleBE(0);
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xcf:
        return this.#uint(4) * 0x1_0000_0000 + this.#uint(4);
      case 0xd0:
        return this.#take(1).readInt8(0);
      case 0xd1:
        return this.#take(2).readInt16BE(0);
      case 0xd2:
        return this.#take(4).readInt32BE(0);
      case 0xd3:
        return this.#take(4).readInt32BE(0) * 0x1_0000_0000 + this.#uint(4);
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#ext(1 << (token - 0xd4));
      case 0xd9:
        return this.#string(this.#uint(1));
      case 0xda:
        return this.#string(this.#uint(2));
      case 0xdb:
        return this.#string(this.#uint(4));
      case 0xdc:
        return this.#array(this.#uint(2), depth);
      case 0xdd:
        return this.#array(this.#uint(4), depth);
      case 0xde:
        return this.#map(this.#uint(2), depth);
      case 0xdf:
        return this.#map(this.#uint(4), depth);
      default:
        throw this.#malformed('reserved byte');
    }
  }

  #string(length: number): string {
    const start = this.#advance(length);
    return this.#bytes.toString('latin1', start, start + length);
  }

  #ext(length: number): MsgpackExt {
    const extType = this.#take(1).readInt8(0);
    return { extType, data: this.#take(length) };
  }

  #array(length: number, depth: number): unknown[] {
    this.#descend(depth);
    const array: unknown[] = []; // not of `length`, which may be a lie
    for (let i = 0; i < length; i++) {
      array.push(this.value(depth + 1));
    }
    return array;
  }

  #map(size: number, depth: number): Record<string, unknown> {
    this.#descend(depth);
    const map = Object.create(null) as Record<string, unknown>;
    for (let i = 0; i < size; i++) {
      const key = this.#key(depth);
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  #key(depth: number): string {
    const key = this.value(depth + 1);
    if (typeof key === 'string') {
      return key;
    }
    if (typeof key === 'number' || typeof key === 'boolean') {
      return String(key);
    }
    if (Buffer.isBuffer(key)) {
      return key.toString('latin1');
    }
    throw this.#malformed('map key that is no string');
  }

  #descend(depth: number): void {
    if (depth >= MSGPACK_MAX_DEPTH) {
      throw new PluginServerError('ERR_MSGPACK_TOO_DEEP', `MsgPack nested over ${MSGPACK_MAX_DEPTH} levels`);
    }
  }

  #uint(size: 1 | 2 | 4): number {
    const start = this.#advance(size);
    return size === 1 ? this.#byte(start) : this.#bytes.readUIntBE(start, size);
  }

  #byte(at: number): number {
    return this.#bytes[at] as number; // `#advance` has checked the bound
  }

  #take(length: number): Buffer {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) {
      throw this.#malformed('length beyond the end');
    }
    this.#at = start + length;
    return start;
  }

  #malformed(what: string): PluginServerError {
    return new PluginServerError('ERR_MSGPACK_MALFORMED', `malformed MsgPack at byte ${this.#at}: ${what}`);
  }
}
