// Kong's proxy-cache behind a plugin that answers, passes or hands on. Seen on Kong 3.9.3, and with KONG_BIN.
import { calling, type FixtureRoute } from './kong-emulator-fixture/kong-fixture';
import type { RawRequest, RawResponse } from './kong-emulator-fixture/raw-exchange';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const cache = (config: object = {}): Record<string, unknown> => ({
  name: 'proxy-cache',
  config: { strategy: 'memory', ...config },
});
const plugins = [cache()];
const status = (response: RawResponse): string | undefined => response.header('X-Cache-Status');
const replying = (reply: object): Partial<RawRequest> => ({ headers: [['X-Reply', JSON.stringify(reply)]] });

const routes: Record<string, FixtureRoute> = {
  plain: { plugins },
  other: { plugins },
  known: { plugins: [...plugins, { name: 'key-auth' }] },
  posts: { plugins: [cache({ request_method: ['POST'] })] },
  images: { plugins: [cache({ content_type: ['image/*'], response_code: [201] })] },
  silent: {
    plugins: [cache({ response_headers: { age: false, 'X-Cache-Status': false, 'X-Cache-Key': false } })],
  },
  answers: { plugins, lab: { mode: 'exit' } },
  ended: { plugins: [...plugins, { name: 'request-termination' }] },
  dead: { plugins, service: { url: 'http://127.0.0.1:1', retries: 0 } },
  queried: calling([['service.request.setRawQuery', ['own=1']]], { passes: true, plugins }),
};

describe('proxy-cache', () => {
  const consumers = ['bob', 'eve'].map((username) => ({
    username,
    keyauth_credentials: [{ key: username }],
  }));
  const fixture = useKongFixture(routes, { extra: { consumers } });

  const target = (path: string): Partial<RawRequest> => ({ target: path });

  test('stores a response and replays it with its fields', async () => {
    const first = await fixture.send('plain', {
      ...target('/plain/a?x=1&y=2'),
      ...replying({ headers: { 'X-Own': 'a', 'Set-Cookie': ['a=1', 'b=2'] }, body: 'caf\u00e9' }),
    });
    const second = await fixture.send('plain', target('/plain/a?y=2&x=1'));
    expect([status(first), status(second)]).toEqual(['Miss', 'Hit']);
    expect([second.status, second.body, second.header('X-Own')]).toEqual([200, first.body, 'a']);
    expect([second.header('Via'), second.header('X-Kong-Upstream-Latency')]).toEqual(['1.1 kong/3.9.3', '0']);
    expect(second.header('Set-Cookie')).toBe('a=1, b=2');
    expect(second.header('Age')).toMatch(/^\d+$/);
    expect(first.header('X-Cache-Key')).toMatch(/^[0-9a-f]{64}$/);
    expect(second.header('X-Cache-Key')).toBe(first.header('X-Cache-Key'));
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test.each<[string, [string, Partial<RawRequest>], [string, Partial<RawRequest>]]>([
    ['path', ['plain', target('/plain/p1')], ['plain', target('/plain/p2')]],
    ['query', ['plain', target('/plain/q?a=1')], ['plain', target('/plain/q?a=2')]],
    ['route', ['plain', target('/plain/r')], ['other', target('/other/r')]],
    ['method', ['plain', target('/plain/m')], ['plain', { ...target('/plain/m'), method: 'HEAD' }]],
    ['consumer', ['known', { headers: [['apikey', 'bob']] }], ['known', { headers: [['apikey', 'eve']] }]],
  ])('separates requests by %s', async (_what, one, another) => {
    expect(status(await fixture.send(...one))).toBe('Miss');
    expect(status(await fixture.send(...another))).toBe('Miss');
    expect(status(await fixture.send(...one))).toBe('Hit');
  });

  test('does not separate requests by a header, or by a query that a plugin replaces', async () => {
    await fixture.send('plain', { ...target('/plain/h'), headers: [['X-Async-Kong-Id', '1']] });
    expect(
      status(await fixture.send('plain', { ...target('/plain/h'), headers: [['X-Async-Kong-Id', '2']] })),
    ).toBe('Hit');
    await fixture.send('queried', target('/queried/'));
    expect(status(await fixture.send('queried', target('/queried/')))).toBe('Hit');
  });

  test.each<[string, string, Partial<RawRequest>]>([
    ['a response to another method', 'plain', { method: 'POST', body: 'x' }],
    ['a response with another status', 'plain', { ...target('/plain/s'), ...replying({ status: 202 }) }],
    [
      'a response with another media type',
      'plain',
      { ...target('/plain/t'), ...replying({ headers: { 'Content-Type': 'text/html' } }) },
    ],
    [
      'a response whose media type has a parameter',
      'plain',
      { ...target('/plain/u'), ...replying({ headers: { 'Content-Type': 'text/plain; charset=utf-8' } }) },
    ],
    ['a gateway error', 'dead', {}],
    ['a response of a later plugin', 'ended', {}],
  ])('does not store %s', async (_what, route, request) => {
    expect(status(await fixture.send(route, request))).toBe('Bypass');
    expect(status(await fixture.send(route, request))).toBe('Bypass');
  });

  test('stores the methods, statuses and types of its configuration', async () => {
    const image = {
      ...target('/images/a'),
      ...replying({ status: 201, headers: { 'Content-Type': 'image/png' } }),
    };
    await fixture.send('images', image);
    expect(status(await fixture.send('images', image))).toBe('Hit');
    await fixture.send('posts', { method: 'POST', body: 'x' });
    expect(status(await fixture.send('posts', { method: 'POST', body: 'x' }))).toBe('Hit');
  });

  test('stores a response with Cache-Control: no-store', async () => {
    const request = {
      ...target('/plain/private'),
      ...replying({ headers: { 'Cache-Control': 'private, no-store' } }),
    };
    await fixture.send('plain', request);
    expect(status(await fixture.send('plain', request))).toBe('Hit');
  });

  test('omits its headers if it is configured to', async () => {
    await fixture.send('silent');
    const { headers } = await fixture.send('silent');
    expect(headers.filter(([name]) => /^(age|x-cache-)/i.test(name))).toEqual([]);
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test('is skipped after a response', async () => {
    for (let time = 0; time < 2; time++) expect(status(await fixture.send('answers'))).toBeUndefined();
  });
});
