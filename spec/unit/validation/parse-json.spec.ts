// What counts as JSON in a request body, where parsers differ.
import { parseJson, type ParsedJson } from '../../../plugins/async-request-reply/validation/parse-json';

const parse = (text: string | Buffer): ParsedJson => parseJson([Buffer.from(text as string)]);
const messageOf = (text: string | Buffer): string => {
  const parsed = parse(text);
  return parsed.kind === 'json' ? 'json' : `${parsed.pointer} ${parsed.message}`.trim();
};

test.each([
  ['', 'must be JSON, and is empty'],
  [' ', 'must be JSON'],
  ['{', 'must be JSON'],
  ['{"a":1,}', 'must be JSON'],
  ["{'a':1}", 'must be JSON'],
  ['01', 'must be JSON'],
  ['NaN', 'must be JSON'],
  ['"\t"', 'must be JSON'],
  ['\ufeff{}', 'must be JSON without a byte order mark'],
])('%j: %s', (text, message) => {
  expect(messageOf(text)).toBe(message);
});

test.each([
  ['a byte that no UTF-8 has', Buffer.from([0x22, 0xff, 0x22])],
  ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ['half a surrogate pair', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['UTF-16', Buffer.from('{"a":1}\u20ac', 'utf16le')],
])('%s is not JSON in UTF-8', (_what, bytes) => {
  expect(messageOf(bytes)).toMatch(/^must be JSON/);
});

test.each([
  ['{"a":1,"a":2}', '/a'],
  ['{"a":1,"\\u0061":2}', '/a'],
  ['[{},{"b":{"c":[0,{"d":1,"x":{},"d":2}]}}]', '/1/b/c/1/d'],
  ['{"a/b~":1,"a/b~":2}', '/a~1b~0'],
  ['{"":1,"":2}', '/'],
  ['{"__proto__":1,"__proto__":2}', '/__proto__'],
])('%s has two members of one name, the second at %s', (text, pointer) => {
  expect(messageOf(text)).toBe(`${pointer} must not have two members of one name`);
});

test.each([
  '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
  '{"a":"\\"a\\":1,\\"a\\":","b":"{\\"b\\":"}',
  '["a","a",{"a":"a"}]',
  '"a"',
  '{"a\\\\":1,"a":2}',
])('%s has none', (text) => {
  expect(parse(text)).toEqual({ kind: 'json', value: JSON.parse(text) as unknown });
});

test('takes __proto__ for a member like any other', () => {
  const parsed = parse('{"__proto__":{"admin":true}}');
  expect(parsed.kind === 'json' && Object.keys(parsed.value as object)).toEqual(['__proto__']);
});

test('reads numbers as IEEE 754 does', () => {
  expect(parse('9007199254740993')).toEqual({ kind: 'json', value: 9007199254740992 });
  expect(parse('1e400')).toEqual({ kind: 'json', value: Infinity });
});

test('goes through a hundred thousand levels', () => {
  const depth = 100_000;
  expect(messageOf('[{"a":'.repeat(depth) + '1' + '}]'.repeat(depth))).toBe('json');
});

test('puts pieces together, also in the middle of a character', () => {
  const bytes = Buffer.from('"\u20ac"');
  expect(parseJson([bytes.subarray(0, 2), bytes.subarray(2)])).toEqual({ kind: 'json', value: '\u20ac' });
});
