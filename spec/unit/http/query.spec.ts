import fc from 'fast-check';
import { queryEntries, queryValues } from '../../../plugins/async-request-reply/http/query';

describe('queryValues', () => {
  test.each([
    ['', []],
    ['other=1', []],
    ['async-id=1', ['1']],
    ['a=b&async-id=1&async-id=2', ['1', '2']],
    ['async-id', ['']],
    ['async-id=', ['']],
    ['async%2Did=1', ['1']],
    ['%61sync-id=%31', ['1']],
    ['async-id=a+b', ['a b']],
    ['async-id=%zz', ['%zz']],
    ['async-idx=1&xasync-id=2', []],
    ['__proto__=1&async-id=3', ['3']],
    ['&&async-id=1&', ['1']],
  ])('%p has %p', (query, values) => {
    expect(queryValues(query, 'async-id')).toEqual(values);
  });
});

/** Escapes, halves of escapes, and what may be UTF-8 behind them or not. */
const PIECES = [
  '%',
  '%%',
  '%4',
  '%41',
  '%c3',
  '%C3%A9',
  '%e2%82%ac',
  '%F0%9F%98%80',
  '%ed%a0%80',
  '%ff',
  '%00',
  'é',
  'z',
  ' ',
];

test('queryValues decodes as decodeURIComponent does, and keeps unchanged what that rejects', () => {
  const reference = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES)), (pieces) => {
      const text = pieces.join('');
      expect(queryEntries(`a=${text}`)).toEqual([['a', reference(text)]]);
    }),
  );
});
