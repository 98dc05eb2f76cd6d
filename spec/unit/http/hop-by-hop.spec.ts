import {
  endToEndRequestFields,
  storableResponseFields,
} from '../../../plugins/async-request-reply/http/hop-by-hop';
import type { HeaderField } from '../../../plugins/async-request-reply/http/reply';

const OURS = new Set(['x-async-kong-id']);
const names = (fields: readonly HeaderField[]): string[] => fields.map(([name]) => name);

describe('request fields', () => {
  test.each([
    'connection',
    'Keep-Alive',
    'proxy-connection',
    'TE',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'proxy',
    'expect',
  ])('%s goes no further', (name) => {
    expect(endToEndRequestFields([[name, 'x']], OURS)).toEqual([]);
  });

  test('named by Connection go no further, whatever the case and the number of Connection fields', () => {
    const fields = endToEndRequestFields(
      [
        ['connection', 'close, X-One'],
        ['Connection', 'x-two'],
        ['x-one', '1'],
        ['X-Two', '2'],
        ['x-three', '3'],
      ],
      OURS,
    );
    expect(fields).toEqual([['x-three', '3']]);
  });

  test.each([
    'host',
    'via',
    'x-real-ip',
    'x-forwarded-for',
    'x-consumer-id',
    'x-credential-identifier',
    'x-anonymous-consumer',
    'x-kong-request-id',
    'authorization',
    'content-type',
    'traceparent',
    'x-async-kong-id',
  ])('%s cannot be taken away by naming it in Connection', (name) => {
    expect(
      names(
        endToEndRequestFields(
          [
            ['connection', name],
            [name, 'x'],
          ],
          OURS,
        ),
      ),
    ).toEqual([name]);
  });

  test('repeated under one name stay apart and in order', () => {
    const cookies: HeaderField[] = [
      ['cookie', 'a=1'],
      ['accept', '*/*'],
      ['cookie', 'b=2'],
    ];
    expect(endToEndRequestFields(cookies, OURS)).toEqual(cookies);
  });
});

describe('response fields', () => {
  test.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'X-Accel-Redirect',
    'x-accel-buffering',
    'Alt-Svc',
    'CDN-Cache-Control',
    'Surrogate-Control',
    'Content-Length',
  ])('%s is not stored', (name) => {
    expect(storableResponseFields([[name, 'x']])).toEqual([]);
  });

  test('named by Connection are not stored', () => {
    const fields = storableResponseFields([
      ['Connection', 'X-Hop'],
      ['X-Hop', '1'],
      ['Set-Cookie', 'a'],
      ['Set-Cookie', 'b'],
    ]);
    expect(fields).toEqual([
      ['Set-Cookie', 'a'],
      ['Set-Cookie', 'b'],
    ]);
  });
});
