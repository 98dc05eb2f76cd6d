import { decode } from '@msgpack/msgpack';
import { decodeMsgpack } from '../../../kong/plugin-server/msgpack-decode';
import { encodeMsgpack } from '../../../kong/plugin-server/msgpack-encode';
import { withCode } from './with-code';

const encodeHex = (value: unknown): string => encodeMsgpack(value).toString('hex');

describe('encodeMsgpack', () => {
  test.each([
    [null, 'c0'],
    [undefined, 'c0'],
    [false, 'c2'],
    [true, 'c3'],
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [256, 'cd0100'],
    [65_536, 'ce00010000'],
    [2 ** 32, 'cf0000000100000000'],
    [2 ** 53 - 1, 'cf001fffffffffffff'],
    [2 ** 53, 'cb4340000000000000'],
    [-1, 'ff'],
    [-33, 'd0df'],
    [-129, 'd1ff7f'],
    [-32_769, 'd2ffff7fff'],
    [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
    [-(2 ** 53) + 1, 'd3ffe0000000000001'],
    [1.5, 'cb3ff8000000000000'],
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    [-1n, 'd3ffffffffffffffff'],
    ['', 'a0'],
    ['x'.repeat(31), `bf${'78'.repeat(31)}`],
    ['x'.repeat(32), `d920${'78'.repeat(32)}`],
    [Buffer.of(1, 2), 'c4020102'],
    [new Uint8Array([1]), 'c40101'],
    [Buffer.from([0, 1, 2]).subarray(1), 'c4020102'],
    [new Uint16Array([7, 1]).subarray(1), 'c4020100'],
    [[1, undefined, 'a', undefined], '9401c0a161c0'],
    [{ a: undefined }, '81a161c0'],
    [[], '90'],
    [{}, '80'],
  ])('writes %p', (value, hex) => {
    expect(encodeHex(value)).toBe(hex);
  });

  test.each([
    ['a string in Latin-1 as one byte a character', 'é\u0000ÿ', 'a3e900ff'],
    ['a string beyond Latin-1 as UTF-8, the whole of it', 'é✓', 'a5c3a9e29c93'],
    ['a long string in Latin-1', 'é'.repeat(40), `d928${'e9'.repeat(40)}`],
    ['a long string beyond it', `é${'✓'.repeat(40)}`, `d97ac3a9${'e29c93'.repeat(40)}`],
    ['a key beyond it', { '✓': 1 }, '81a3e29c9301'],
    ['half a surrogate pair', '\ud800', 'a3efbfbd'],
  ])('writes %s', (_, value, hex) => {
    expect(encodeHex(value)).toBe(hex);
  });

  test.each([15, 16, 65_535, 65_536])('writes lists and maps of %i entries', (size) => {
    const list = Array.from({ length: size }, (_, i) => i);
    const map = Object.fromEntries(list.map((i) => [`k${i}`, i]));
    expect(decode(encodeMsgpack(list))).toEqual(list);
    expect(decode(encodeMsgpack(map))).toEqual(map);
  });

  test.each([0, 255, 256, 1_020, 65_535, 65_536, 1_000_000])(
    'writes %i bytes, as text and as binary',
    (size) => {
      expect(decode(encodeMsgpack(['x'.repeat(size), 1]))).toEqual(['x'.repeat(size), 1]);
      const back = decode(encodeMsgpack([Buffer.alloc(size, 7), 1])) as [Uint8Array, number];
      expect(Buffer.from(back[0]).equals(Buffer.alloc(size, 7))).toBe(true);
    },
  );

  test('loses no key called __proto__', () => {
    const map = JSON.parse('{"__proto__":{"a":1},"b":2}') as unknown;
    expect(JSON.stringify(decodeMsgpack(encodeMsgpack(map)))).toBe('{"__proto__":{"a":1},"b":2}');
    const bare = Object.create(null) as Record<string, unknown>;
    bare['__proto__'] = 'x';
    expect(encodeHex(bare)).toBe(`81a9${Buffer.from('__proto__').toString('hex')}a178`);
  });

  test('writes back what was read, byte for byte', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1');
    const value = { [bytes]: [bytes, { n: -5, f: 0.25, none: null, yes: true }], list: [[], {}] };
    const once = encodeMsgpack(value);
    expect(encodeMsgpack(decodeMsgpack(once)).equals(once)).toBe(true);
  });

  test.each([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint over 64 bits', 2n ** 64n],
  ])('refuses %s, wherever it stands', (_, value) => {
    expect(() => encodeMsgpack([{ a: value }])).toThrow(withCode('ERR_MSGPACK_UNSUPPORTED'));
  });

  test('refuses what contains itself', () => {
    const list: unknown[] = [];
    list.push(list);
    expect(() => encodeMsgpack(list)).toThrow(withCode('ERR_MSGPACK_TOO_DEEP'));
  });

  test('gives each message memory of its own', () => {
    const first = encodeMsgpack('first');
    encodeMsgpack('other');
    expect(decodeMsgpack(first)).toBe('first');
  });
});
