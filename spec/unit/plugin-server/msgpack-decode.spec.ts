import { pack } from 'msgpackr';
import { decodeMsgpack } from '../../../kong/plugin-server/msgpack-decode';
import { withCode } from './with-code';

const decodeHex = (hex: string): unknown => decodeMsgpack(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('decodeMsgpack', () => {
  test.each([
    ['c0', null],
    ['c2', false],
    ['c3', true],
    ['7f', 127],
    ['e0', -32],
    ['cc ff', 255],
    ['cd ffff', 65_535],
    ['ce ffffffff', 4_294_967_295],
    ['cf 0020000000000000', 2 ** 53],
    ['cf ffffffffffffffff', 2 ** 64],
    ['d0 80', -128],
    ['d1 8000', -32_768],
    ['d2 80000000', -2_147_483_648],
    ['d3 ffe0000000000001', -(2 ** 53) + 1],
    ['ca 3fc00000', 1.5],
    ['cb 3ff8000000000000', 1.5],
    ['a0', ''],
    ['a1 61', 'a'],
    ['d9 01 61', 'a'],
    ['da 0001 61', 'a'],
    ['db 00000001 61', 'a'],
    ['90', []],
    ['dc 0001 01', [1]],
    ['dd 00000001 01', [1]],
    ['80', {}],
    ['81 a1 61 01', { a: 1 }],
    ['de 0001 a1 61 01', { a: 1 }],
    ['df 00000001 a1 61 01', { a: 1 }],
    ['82 01 a1 62 c3 a1 63', { 1: 'b', true: 'c' }],
    ['81 c4 01 e9 01', { é: 1 }],
    ['c4 01 ff', Buffer.of(255)],
    ['c5 0001 ff', Buffer.of(255)],
    ['c6 00000001 ff', Buffer.of(255)],
    ['d4 05 01', { extType: 5, data: Buffer.of(1) }],
    ['d8 ff 00112233445566778899aabbccddeeff', { extType: -1, data: expect.any(Buffer) as unknown }],
    ['c7 02 05 0102', { extType: 5, data: Buffer.of(1, 2) }],
    ['c8 0002 05 0102', { extType: 5, data: Buffer.of(1, 2) }],
    ['c9 00000002 05 0102', { extType: 5, data: Buffer.of(1, 2) }],
  ])('reads %s', (hex, value) => {
    expect(decodeHex(hex)).toEqual(value);
  });

  test('reads every byte of a string as one character', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const text = decodeMsgpack(Buffer.concat([Buffer.from('da0100', 'hex'), bytes]));
    expect([...String(text)].map((character) => character.charCodeAt(0))).toEqual([...bytes]);
  });

  test.each(['__proto__', 'constructor', 'hasOwnProperty'])('reads the key %s as any other', (key) => {
    const map = decodeMsgpack(
      Buffer.concat([Buffer.of(0x81, 0xa0 | key.length), Buffer.from(key), Buffer.of(7)]),
    );
    expect(Object.getPrototypeOf(map)).toBeNull();
    expect(Object.entries(map as object)).toEqual([[key, 7]]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('reads what another encoder writes', () => {
    const value = { list: [1, -1, 1.25, 2 ** 40], text: 'x'.repeat(70_000), none: null, deep: { er: [{}] } };
    expect(decodeMsgpack(pack(value))).toEqual(value);
  });

  test.each([
    '',
    'c1',
    'a1',
    'da 00',
    'cd 01',
    'cb 00',
    '91',
    '81 a1 61',
    'c4 05 00',
    'dd ffffffff',
    'df ffffffff',
  ])('refuses what is no whole message: "%s"', (hex) => {
    expect(() => decodeHex(hex)).toThrow(withCode('ERR_MSGPACK_MALFORMED'));
  });

  test.each(['c0 c0', '81 91 00 00', '81 c0 00'])(
    'refuses bytes left over and keys that are no scalar: %s',
    (hex) => {
      expect(() => decodeHex(hex)).toThrow(withCode('ERR_MSGPACK_MALFORMED'));
    },
  );

  test('refuses any message cut short, by an error of its own and no other', () => {
    const message = pack({
      a: [1, 2 ** 40, -5, 1.5],
      b: 'x'.repeat(40),
      c: Buffer.alloc(300),
      d: { e: null },
    });
    for (let length = 0; length < message.length; length++) {
      expect(() => decodeMsgpack(message.subarray(0, length))).toThrow(withCode('ERR_MSGPACK_MALFORMED'));
    }
  });

  test('reads 1,000 levels, as deep as the JSON of Kong goes, and refuses 100,000', () => {
    const nested = (levels: number): Buffer => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.of(0xc0)]);
    expect(JSON.stringify(decodeMsgpack(nested(1_000)))).toBe(`${'['.repeat(1_000)}null${']'.repeat(1_000)}`);
    expect(() => decodeMsgpack(nested(100_000))).toThrow(withCode('ERR_MSGPACK_TOO_DEEP'));
  });
});
