import { splitList } from '../../../plugins/async-request-reply/http/list';

test.each([
  ['a, b', ['a', 'b']],
  [' a ,, b, ', ['a', 'b']],
  ['', []],
  ['a="x, y", b', ['a="x, y"', 'b']],
  ['a="x\\", y", b', ['a="x\\", y"', 'b']],
  ['a="x, y', ['a="x, y']],
  ['a="x\\', ['a="x\\']],
])('%p has the items %p', (value, items) => {
  expect(splitList(value)).toEqual(items);
});

test('reading takes time proportional to the length', () => {
  // Quadratic, each would take hours.
  for (const piece of [',', '"', 'a,', '",', '\\']) {
    expect(splitList(piece.repeat(10_000_000 / piece.length))).toBeDefined();
  }
});
