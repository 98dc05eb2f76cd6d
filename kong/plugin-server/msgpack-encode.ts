// The writing half of the codec between Kong and the plugin server; see msgpack-decode.ts for why strings are bytes.
import { MSGPACK_MAX_DEPTH } from './msgpack-limits';
import { PluginServerError } from './plugin-server-error';

/** Most answers fit; small enough that Node takes it from its pool. */
const INITIAL_BYTES = 1024;
/** Below this, writing character by character is cheaper than the call into Node's string writer. */
const SHORT_STRING = 24;
// eslint-disable-next-line no-control-regex -- U+0000 is the lower end of Latin-1
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;

/**
 * Encodes one value as one message.
 *
 * - A string becomes str with one byte per character (Latin-1): what {@link decodeMsgpack} made of Kong's bytes goes
 *   back as the same bytes. **A string with any character above U+00FF can only be text of our own, and is written as
 *   UTF-8, the whole of it.** Text of ours between U+0080 and U+00FF that is meant as UTF-8 has to be given as a Buffer.
 * - Buffer, Uint8Array and other views become bin; `null` and `undefined` nil, in arrays and as values of maps.
 * - Integers up to 2^53 take the shortest integer form, every other number a double; bigints within 64 bits are integers.
 * - Arrays become array; every other object a map of its own enumerable keys, `__proto__` among them.
 *
 * @throws PluginServerError `ERR_MSGPACK_UNSUPPORTED` for functions, symbols and larger bigints; `ERR_MSGPACK_TOO_DEEP`
 *   for what is nested beyond {@link MSGPACK_MAX_DEPTH} or contains itself.
 */
export function encodeMsgpack(value: unknown): Buffer {
  const writer = new Writer();
  writer.value(value, 0);
  return writer.finish();
}

class Writer {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  #at = 0;

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.#string(value);
      case 'number':
        return this.#number(value);
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2);
      case 'undefined':
        return this.#byte(0xc0);
      case 'bigint':
        return this.#bigint(value);
      case 'object':
        return value === null ? this.#byte(0xc0) : this.#object(value, depth);
      case 'function':
      case 'symbol':
        throw new PluginServerError('ERR_MSGPACK_UNSUPPORTED', `a ${typeof value} has no MsgPack form`);
    }
  }

  #object(value: object, depth: number): void {
    if (depth >= MSGPACK_MAX_DEPTH) {
      throw new PluginServerError('ERR_MSGPACK_TOO_DEEP', `value nested over ${MSGPACK_MAX_DEPTH} levels`);
    }
    if (Array.isArray(value)) {
      this.#header(value.length, 0x90, 0x0f, 0, 0xdc, 0xdd);
      for (const element of value) {
        this.value(element, depth + 1);
      }
    } else if (ArrayBuffer.isView(value)) {
      this.#binary(value);
    } else {
      const keys = Object.keys(value);
      this.#header(keys.length, 0x80, 0x0f, 0, 0xde, 0xdf);
      for (const key of keys) {
        this.#string(key);
        this.value((value as Record<string, unknown>)[key], depth + 1);
      }
    }
  }

  #binary(view: ArrayBufferView): void {
    const length = view.byteLength;
    this.#header(length, 0, -1, 0xc4, 0xc5, 0xc6);
    this.#reserve(length);
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset, length), this.#at);
    this.#at += length;
  }

  #string(text: string): void {
    const length = text.length;
    if (length < SHORT_STRING && this.#shortString(text, length)) {
      return;
    }
    const utf8 = BEYOND_LATIN1.test(text);
    const bytes = utf8 ? Buffer.byteLength(text, 'utf8') : length;
    this.#header(bytes, 0xa0, 0x1f, 0xd9, 0xda, 0xdb);
    this.#reserve(bytes);
    this.#bytes.write(text, this.#at, bytes, utf8 ? 'utf8' : 'latin1');
    this.#at += bytes;
  }

  // Says whether it could: a character beyond Latin-1 takes back what was written.
  #shortString(text: string, length: number): boolean {
    this.#reserve(length + 1);
    const start = this.#at;
    this.#bytes[start] = 0xa0 | length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0xff) {
        return false;
      }
      this.#bytes[start + 1 + i] = code;
    }
    this.#at = start + 1 + length;
    return true;
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.#reserve(9);
      this.#bytes[this.#at] = 0xcb;
      this.#at = this.#bytes.writeDoubleBE(value, this.#at + 1);
    } else if (value >= 0) {
      this.#unsigned(value);
    } else {
      this.#negative(value);
    }
  }

  #unsigned(value: number): void {
    if (value < 0x80) {
      this.#byte(value);
    } else if (value <= 0xff) {
      this.#tagged(0xcc, value, 1);
    } else if (value <= 0xffff) {
      this.#tagged(0xcd, value, 2);
    } else if (value <= 0xffff_ffff) {
      this.#tagged(0xce, value, 4);
    } else {
      this.#wide(0xcf, Math.floor(value / 0x1_0000_0000), value % 0x1_0000_0000);
    }
  }

  #negative(value: number): void {
    if (value >= -0x20) {
      this.#byte(0x100 + value);
    } else if (value >= -0x80) {
      this.#tagged(0xd0, 0x100 + value, 1);
    } else if (value >= -0x8000) {
      this.#tagged(0xd1, 0x1_0000 + value, 2);
    } else if (value >= -0x8000_0000) {
      this.#tagged(0xd2, 0x1_0000_0000 + value, 4);
    } else {
      const high = Math.floor(value / 0x1_0000_0000);
      this.#wide(0xd3, 0x1_0000_0000 + high, value - high * 0x1_0000_0000);
    }
  }

  #wide(tag: number, high: number, low: number): void {
    this.#tagged(tag, high, 4);
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32BE(low, this.#at);
  }

  #bigint(value: bigint): void {
    this.#reserve(9);
    if (value === BigInt.asUintN(64, value)) {
      this.#bytes[this.#at] = 0xcf;
      this.#at = this.#bytes.writeBigUInt64BE(value, this.#at + 1);
    } else if (value === BigInt.asIntN(64, value)) {
      this.#bytes[this.#at] = 0xd3;
      this.#at = this.#bytes.writeBigInt64BE(value, this.#at + 1);
    } else {
      throw new PluginServerError('ERR_MSGPACK_UNSUPPORTED', 'a bigint over 64 bits has no MsgPack form');
    }
  }

  // `fix` with the length in its low bits up to `fixMax`; then forms of one (where there is one), two and four bytes.
  #header(length: number, fix: number, fixMax: number, one: number, two: number, four: number): void {
    if (length <= fixMax) {
      this.#byte(fix | length);
    } else if (one !== 0 && length <= 0xff) {
      this.#tagged(one, length, 1);
    } else if (length <= 0xffff) {
      this.#tagged(two, length, 2);
    } else {
      this.#tagged(four, length, 4);
    }
  }

  #tagged(tag: number, value: number, size: 1 | 2 | 4): void {
    this.#reserve(1 + size);
    this.#bytes[this.#at] = tag;
    this.#at = this.#bytes.writeUIntBE(value, this.#at + 1, size);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) {
      return;
    }
    const larger = Buffer.allocUnsafe(Math.max(needed + INITIAL_BYTES, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
