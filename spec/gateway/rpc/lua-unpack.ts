import { LuaError, type LuaTable, type LuaValue } from './lua-value';

/** Thrown when the bytes at hand end before the value does; `needed` is how many there must be at least. */
export class Underflow extends Error {
  constructor(readonly needed: number) {
    super('missing bytes');
  }
}

/**
 * Unpacks one value as lua-MessagePack does: strings and binaries alike become strings of bytes, nil in a map leaves
 * no key, extension types become nil.
 * @returns the value and the offset behind it
 * @throws Underflow when there are too few bytes, LuaError on 0xc1
 */
export function luaUnpack(bytes: Buffer, start = 0): { value: LuaValue; end: number } {
  const reader = new Reader(bytes, start);
  const value = reader.value();
  return { value, end: reader.offset };
}

class Reader {
  constructor(
    readonly bytes: Buffer,
    public offset: number,
  ) {}

  value(): LuaValue {
    const code = this.uint(1);
    if (code < 0x80) return code;
    if (code < 0x90) return this.map(code & 0x0f);
    if (code < 0xa0) return this.array(code & 0x0f);
    if (code < 0xc0) return this.string(code & 0x1f);
    if (code >= 0xe0) return code - 0x100;
    return this.coded(code);
  }

  private coded(code: number): LuaValue {
    if (code === 0xc0) return null;
    if (code === 0xc2 || code === 0xc3) return code === 0xc3;
    if (code >= 0xc4 && code <= 0xc6) return this.string(this.uint(1 << (code - 0xc4)));
    if (code >= 0xc7 && code <= 0xc9) return this.extension(this.uint(1 << (code - 0xc7)));
    if (code >= 0xca && code <= 0xd3) return this.number(code);
    if (code >= 0xd4 && code <= 0xd8) return this.extension(1 << (code - 0xd4));
    if (code >= 0xd9 && code <= 0xdb) return this.string(this.uint(1 << (code - 0xd9)));
    if (code >= 0xdc && code <= 0xdd) return this.array(this.uint(2 << (code - 0xdc)));
    if (code >= 0xde && code <= 0xdf) return this.map(this.uint(2 << (code - 0xde)));
    throw new LuaError(`unpack '0x${code.toString(16)}' is unimplemented`);
  }

  private number(code: number): number {
    if (code >= 0xcc && code <= 0xce) return this.uint(1 << (code - 0xcc));
    const sizes: Record<number, number> = { 0xca: 4, 0xd0: 1, 0xd1: 2, 0xd2: 4 };
    const at = this.take(sizes[code] ?? 8);
    switch (code) {
      case 0xca:
        return this.bytes.readFloatBE(at);
      case 0xcb:
        return this.bytes.readDoubleBE(at);
      case 0xcf:
        return Number(this.bytes.readBigUInt64BE(at));
      case 0xd0:
        return this.bytes.readInt8(at);
      case 0xd1:
        return this.bytes.readInt16BE(at);
      case 0xd2:
        return this.bytes.readInt32BE(at);
      default:
        return Number(this.bytes.readBigInt64BE(at));
    }
  }

  private string(length: number): string {
    const at = this.take(length);
    return this.bytes.toString('latin1', at, at + length);
  }

  private array(length: number): LuaValue[] {
    const items: LuaValue[] = [];
    for (let i = 0; i < length; i++) items.push(this.value());
    return items;
  }

  private map(length: number): LuaTable {
    // Without a prototype, since a header may well be called `__proto__`.
    const table = Object.create(null) as LuaTable;
    for (let i = 0; i < length; i++) {
      const key = this.value();
      const item = this.value();
      if (item === null || item === undefined || key === null || key === undefined) continue;
      table[typeof key === 'string' ? key : JSON.stringify(key)] = item;
    }
    return table;
  }

  private extension(length: number): null {
    this.take(length + 1);
    return null;
  }

  private uint(size: number): number {
    const at = this.take(size);
    return this.bytes.readUIntBE(at, size);
  }

  private take(size: number): number {
    const at = this.offset;
    if (at + size > this.bytes.length) throw new Underflow(at + size);
    this.offset = at + size;
    return at;
  }
}
