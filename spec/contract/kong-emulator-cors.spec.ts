// Kong's cors, as a browser meets it. Seen on Kong 3.9.3, and with KONG_BIN.
import type { FixtureRoute } from './kong-emulator-fixture/kong-fixture';
import type { RawRequest, RawResponse } from './kong-emulator-fixture/raw-exchange';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const PAGE = 'https://app.example';
const withCors = (config: object, more: FixtureRoute = {}): FixtureRoute => ({
  ...more,
  plugins: [{ name: 'cors', config }, ...(more.plugins ?? [])],
});

const routes: Record<string, FixtureRoute> = {
  open: withCors({}),
  one: withCors({ origins: [PAGE], exposed_headers: ['X-A', 'X-B'], max_age: 600 }),
  some: withCors({
    origins: [PAGE, 'http://other.example:80', '.*\\.wild\\.example'],
    headers: ['X-C', 'X-D'],
  }),
  star: withCors({ origins: [PAGE, '*'], methods: ['GET', 'POST'] }),
  credentials: withCors({ origins: [PAGE, 'https://b.example'], credentials: true }),
  all: withCors({ credentials: true, private_network: true }),
  continues: withCors({ preflight_continue: true }),
  known: withCors({ origins: [PAGE] }, { plugins: [{ name: 'key-auth' }] }),
  answers: withCors({ origins: [PAGE], exposed_headers: ['X-A'] }, { lab: { mode: 'exit' } }),
  dead: withCors({ origins: [PAGE] }, { service: { url: 'http://127.0.0.1:1', retries: 0 } }),
};

const told = ({ status, headers }: RawResponse): [number, Record<string, string>] => [
  status,
  Object.fromEntries(
    headers
      .map(([name, value]): [string, string] => [name.toLowerCase(), value])
      .filter(([name]) => name.startsWith('access-control-') || name === 'vary'),
  ),
];

describe('cors', () => {
  const fixture = useKongFixture(routes);

  const from = (origin: string, more: [string, string][] = []): Partial<RawRequest> => ({
    headers: [['Origin', origin], ...more],
  });
  const preflight = (origin: string, more: [string, string][] = []): Partial<RawRequest> => ({
    method: 'OPTIONS',
    ...from(origin, [['Access-Control-Request-Method', 'POST'], ...more]),
  });
  const ALL = 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT';

  test.each<[string, string, Partial<RawRequest>, Record<string, string>]>([
    [
      'from any origin',
      'open',
      preflight(PAGE, [['Access-Control-Request-Headers', 'x-a,x-b']]),
      {
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'x-a,x-b',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'from the only allowed origin',
      'one',
      preflight(PAGE),
      {
        'access-control-allow-origin': PAGE,
        vary: 'Origin',
        'access-control-max-age': '600',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'from another origin with the same headers, which the browser rejects',
      'one',
      preflight('https://evil.example'),
      {
        'access-control-allow-origin': PAGE,
        vary: 'Origin',
        'access-control-max-age': '600',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'from a listed origin with another port',
      'some',
      preflight('http://other.example'),
      {
        'access-control-allow-origin': 'http://other.example',
        vary: 'Origin',
        'access-control-allow-headers': 'X-C,X-D',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'from an origin that matches a pattern',
      'some',
      preflight('https://a.wild.example:8443'),
      {
        'access-control-allow-origin': 'https://a.wild.example:8443',
        vary: 'Origin',
        'access-control-allow-headers': 'X-C,X-D',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'from an origin that is not listed',
      'some',
      preflight('https://evil.example'),
      {
        vary: 'Origin',
        'access-control-allow-headers': 'X-C,X-D',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'from any origin if the list contains a star',
      'star',
      preflight('https://evil.example'),
      {
        'access-control-allow-origin': '*',
        vary: 'Origin',
        'access-control-allow-methods': 'GET,POST',
      },
    ],
    [
      'with credentials',
      'credentials',
      preflight(PAGE),
      {
        'access-control-allow-origin': PAGE,
        vary: 'Origin',
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'with credentials, from any origin, to a private network',
      'all',
      preflight(PAGE, [['Access-Control-Request-Private-Network', 'true']]),
      {
        'access-control-allow-origin': PAGE,
        vary: 'Origin',
        'access-control-allow-credentials': 'true',
        'access-control-allow-private-network': 'true',
        'access-control-allow-methods': ALL,
      },
    ],
    [
      'before authentication',
      'known',
      preflight(PAGE),
      { 'access-control-allow-origin': PAGE, vary: 'Origin', 'access-control-allow-methods': ALL },
    ],
  ])('responds to a preflight %s', async (_what, route, request, fields) => {
    const response = await fixture.send(route, request);
    expect(told(response)).toEqual([200, fields]);
    expect([response.body, response.header('Content-Length'), fixture.upstream.seen]).toEqual(['', '0', []]);
  });

  test.each<[string, string, Partial<RawRequest>]>([
    ['OPTIONS without an origin', 'open', { method: 'OPTIONS' }],
    [
      'OPTIONS without Access-Control-Request-Method',
      'open',
      { method: 'OPTIONS', headers: [['Origin', PAGE]] },
    ],
    ['a preflight if preflight_continue is set', 'continues', preflight(PAGE)],
  ])('proxies %s', async (_what, route, request) => {
    await fixture.send(route, request);
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test.each<[string, string, number, Record<string, string>]>([
    ['from the upstream', 'one', 200, { vary: 'Origin', 'access-control-expose-headers': 'X-A,X-B' }],
    ['from a plugin', 'answers', 202, { vary: 'Origin', 'access-control-expose-headers': 'X-A' }],
    ['that rejects the request', 'known', 401, { vary: 'Origin' }],
    ['from Kong when the upstream is down', 'dead', 502, { vary: 'Origin' }],
  ])('adds the allowed origin to a response %s', async (_what, route, status, fields) => {
    expect(told(await fixture.send(route, from(PAGE)))).toEqual([
      status,
      { 'access-control-allow-origin': PAGE, ...fields },
    ]);
  });

  test.each<[string, string, string, Record<string, string>]>([
    ['no origin that is not listed', 'some', 'https://evil.example', { vary: 'Origin' }],
    [
      'the requesting origin, with credentials,',
      'all',
      PAGE,
      { vary: 'Origin', 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true' },
    ],
    ['everybody', 'open', PAGE, { 'access-control-allow-origin': '*' }],
  ])('allows %s to read a response', async (_what, route, origin, fields) => {
    expect(told(await fixture.send(route, from(origin)))).toEqual([200, fields]);
  });

  test('keeps Vary values of others', async () => {
    const reply = JSON.stringify({ headers: { Vary: 'Accept' } });
    const response = await fixture.send('one', from(PAGE, [['X-Reply', reply]]));
    expect(
      response.headers
        .filter(([name]) => name.toLowerCase() === 'vary')
        .map(([, value]) => value)
        .sort(),
    ).toEqual(['Accept', 'Origin']);
  });
});
