import { pathPrefix } from '../../../plugins/async-request-reply/http/path-prefix';

describe('X-Forwarded-Prefix', () => {
  test.each([
    ['/api', '/api'],
    ['/api/', '/api'],
    [' /api ', '/api'],
    ['/a/b-c/%20/~x', '/a/b-c/%20/~x'],
    ['/..a/.b', '/..a/.b'],
    [`/${'a'.repeat(511)}`, `/${'a'.repeat(511)}`],
  ])('%j is %s', (value, prefix) => {
    expect(pathPrefix(value)).toBe(prefix);
  });

  test.each([
    ['nothing', ''],
    ['the root', '/'],
    ['no path', 'api'],
    ['another host', '//evil.example'],
    ['another host, with a backslash', '/\\evil.example'],
    ['a URL', 'https://evil.example'],
    ['an empty segment', '/a//b'],
    ['two slashes at its end', '/a//'],
    ['a segment that is resolved', '/a/../..'],
    ['a segment that is resolved, encoded', '/a/%2e%2E/b'],
    ['a query', '/a?b=c'],
    ['a fragment', '/a#b'],
    ['a percent sign alone', '/a%zz'],
    ['a space', '/a b'],
    ['a line break', '/a\nb'],
    ['a byte over 127', '/caf\xe9'],
    ['several', '/a, /b'],
    ['several, without a space', '/a,/b'],
    ['a long one', `/${'a'.repeat(512)}`],
  ])('that is %s counts as none', (_what, value) => {
    expect(pathPrefix(value)).toBe('');
  });
});
