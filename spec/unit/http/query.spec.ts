import { queryValues } from '../../../plugins/async-request-reply/http/query';

describe('queryValues', () => {
  it.each([
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
