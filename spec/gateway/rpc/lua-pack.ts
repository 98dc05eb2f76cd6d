import { isLuaTable, LuaError, type LuaValue } from './lua-value';

/**
 * Packs as lua-MessagePack 0.5 does with its defaults: no str8 form, an empty table becomes an empty array, and a
 * number with a fraction becomes a double. Byte for byte what Kong sends, which the recording's sizes prove.
 */
export function luaPack(value: LuaValue): Buffer {
  const parts: Buffer[] = [];
  packInto(parts, value);
  return Buffer.concat(parts);
}

function packInto(parts: Buffer[], value: LuaValue): void {
  if (value === null || value === undefined) parts.push(Buffer.of(0xc0));
  else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 0xc3 : 0xc2));
  else if (typeof value === 'number') parts.push(packNumber(value));
  else if (typeof value === 'string') packString(parts, value);
  else if (Buffer.isBuffer(value)) parts.push(head(value.length, [0xc4, 0xc5, 0xc6]), value);
  else if (Array.isArray(value)) packArray(parts, value);
  else if (value instanceof Map) packMap(parts, [...value]);
  else if (isLuaTable(value)) packTable(parts, value);
}

function packTable(parts: Buffer[], table: { [key: string]: LuaValue }): void {
  const entries = Object.entries(table).filter(([, item]) => item !== undefined && item !== null);
  if (entries.length === 0) packArray(parts, []);
  else packMap(parts, entries);
}

function packMap(parts: Buffer[], entries: [string, LuaValue][]): void {
  parts.push(
    entries.length < 16 ? Buffer.of(0x80 + entries.length) : head(entries.length, [null, 0xde, 0xdf]),
  );
  for (const [key, item] of entries) {
    packInto(parts, key);
    packInto(parts, item);
  }
}

function packArray(parts: Buffer[], items: LuaValue[]): void {
  parts.push(items.length < 16 ? Buffer.of(0x90 + items.length) : head(items.length, [null, 0xdc, 0xdd]));
  for (const item of items) packInto(parts, item);
}

function packString(parts: Buffer[], text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  parts.push(bytes.length < 32 ? Buffer.of(0xa0 + bytes.length) : head(bytes.length, [null, 0xda, 0xdb]));
  parts.push(bytes);
}

/** A length in the shortest of the 8, 16 and 32 bit forms that the type has. */
function head(length: number, [code8, code16, code32]: [number | null, number, number]): Buffer {
  if (code8 !== null && length <= 0xff) return Buffer.of(code8, length);
  if (length <= 0xffff) {
    const short = Buffer.alloc(3);
    short[0] = code16;
    short.writeUInt16BE(length, 1);
    return short;
  }
  const long = Buffer.alloc(5);
  long[0] = code32;
  long.writeUInt32BE(length, 1);
  return long;
}

function packNumber(value: number): Buffer {
  if (!Number.isSafeInteger(value)) {
    const double = Buffer.alloc(9);
    double[0] = 0xcb;
    double.writeDoubleBE(value, 1);
    return double;
  }
  return value >= 0 ? packUnsigned(value) : packNegative(value);
}

function packUnsigned(value: number): Buffer {
  if (value <= 0x7f) return Buffer.of(value);
  if (value <= 0xffff) return head(value, [0xcc, 0xcd, 0xce]);
  if (value <= 0xffffffff) return head(value, [null, 0xcd, 0xce]);
  const wide = Buffer.alloc(9);
  wide[0] = 0xcf;
  wide.writeBigUInt64BE(BigInt(value), 1);
  return wide;
}

function packNegative(value: number): Buffer {
  if (value >= -0x20) return Buffer.of(0x100 + value);
  const wide = Buffer.alloc(9);
  if (value >= -0x80) {
    wide.writeInt8(value, 1);
    return tagged(wide, 0xd0, 2);
  }
  if (value >= -0x8000) {
    wide.writeInt16BE(value, 1);
    return tagged(wide, 0xd1, 3);
  }
  if (value >= -0x80000000) {
    wide.writeInt32BE(value, 1);
    return tagged(wide, 0xd2, 5);
  }
  if (value < Number.MIN_SAFE_INTEGER) throw new LuaError('number out of range');
  wide.writeBigInt64BE(BigInt(value), 1);
  return tagged(wide, 0xd3, 9);
}

function tagged(bytes: Buffer, code: number, length: number): Buffer {
  bytes[0] = code;
  return bytes.subarray(0, length);
}
