// What becomes of an upstream's response, of paths, and of what is no good request; seen on Kong 3.9.3, and with KONG_BIN.
import { calling, type FixtureRoute } from './kong-emulator-fixture/kong-fixture';
import { converse, parseResponse, sendBytes, type RawRequest } from './kong-emulator-fixture/raw-exchange';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const replying = (reply: object): Partial<RawRequest> => ({ headers: [['X-Reply', JSON.stringify(reply)]] });

/** Service path, route path, strip_path, request path after the route's name, and what the upstream sees (v0, v1). */
const paths: [string, string, boolean, string, string, string][] = [
  ['', '/NAME', true, '/NAME', '/', '/'],
  ['', '/NAME', true, '/NAMEx', '/x', '/x'],
  ['', '/NAME', false, '/NAME/x', '/NAME/x', '/NAME/x'],
  ['/base', '/NAME', true, '/NAME', '/base', '/base'],
  ['/base', '/NAME', true, '/NAME/', '/base/', '/base/'],
  ['/base', '/NAME', true, '/NAMEx', '/base/x', '/basex'],
  ['/base', '/NAME', false, '/NAME/x', '/base/NAME/x', '/baseNAME/x'],
  ['/base/', '/NAME', true, '/NAME', '/base', '/base/'],
  ['/base/', '/NAME', true, '/NAME/', '/base/', '/base/'],
  ['/base/', '/NAME', true, '/NAME/x', '/base/x', '/base/x'],
  ['/base', '/NAME/', true, '/NAME/x', '/base/x', '/basex'],
  ['/base', '/NAME', true, '/NAME/a%2Fb/%C3%A9/../c//d', '/base/a%2Fb/c/d', '/base/a%2Fb/c/d'],
  ['', '~/NAME/(?<id>\\d+)', true, '/NAME/12/z', '/z', '/z'],
  ['', '~/NAME/(\\d+)', false, '/NAME/12/z', '/NAME/12/z', '/NAME/12/z'],
];

describe('a response', () => {
  const pathRoutes = (handling: 'v0' | 'v1'): [string, FixtureRoute][] =>
    paths.map(([base, route, strip], i) => {
      const name = `${handling}-${i}`;
      return [
        name,
        {
          path: base,
          route: { paths: [route.replace('NAME', name)], strip_path: strip, path_handling: handling },
        },
      ];
    });

  const fixture = useKongFixture({
    plain: {},
    headed: calling(
      [
        ['response.setHeader', ['X-A', 'plugin']],
        ['response.setHeader', ['Content-Type', 'text/css']],
      ],
      { passes: true },
    ),
    slow: { service: { retries: 0, read_timeout: 150 } },
    get: { path: '/get', route: { paths: ['/split'], methods: ['GET'] } },
    any: { path: '/any', route: { paths: ['/split'] } },
    host: { path: '/host', route: { paths: ['/split'], hosts: ['*.example'] } },
    longer: { path: '/longer', route: { paths: ['/split/longer'] } },
    ...Object.fromEntries([...pathRoutes('v0'), ...pathRoutes('v1')]),
  });

  test('has the fields that Kong adds, and keeps Server and Date of the upstream', async () => {
    const { header } = await fixture.send(
      'plain',
      replying({ headers: { Server: 'up', Via: '1.0 up', Date: 'x' } }),
    );
    expect(header('Server')).toBe('up');
    expect(header('Date')).toBe('x');
    expect(header('Via')).toBe('1.0 up, 1.1 kong/3.9.3');
    expect(header('X-Kong-Upstream-Latency')).toMatch(/^\d+$/);
    expect(header('X-Kong-Proxy-Latency')).toMatch(/^\d+$/);
    expect(header('X-Kong-Request-Id')).toBe(fixture.upstream.last.header('X-Kong-Request-Id'));
    expect((await fixture.send('plain')).header('Server')).toBe('kong/3.9.3');
  });

  test('loses hop-by-hop fields, and those that nginx removes', async () => {
    const headers = {
      Connection: ['close, X-Named', 'X-Other'],
      'X-Named': '1',
      'X-Other': '1',
      'Keep-Alive': 'timeout=9',
      Upgrade: 'h2c',
      Trailer: 'x',
      'X-Accel-Buffering': 'no',
      'X-Accel-Other': '1',
      'Proxy-Authenticate': 'x',
    };
    const { header } = await fixture.send('plain', replying({ headers }));
    for (const name of ['X-Named', 'X-Other', 'Keep-Alive', 'Upgrade', 'Trailer', 'X-Accel-Buffering']) {
      expect([name, header(name)]).toEqual([name, undefined]);
    }
    expect([header('X-Accel-Other'), header('Proxy-Authenticate')]).toEqual(['1', 'x']);
  });

  test('keeps repeated fields separate and bytes unchanged', async () => {
    const { headers } = await fixture.send(
      'plain',
      replying({ headers: { 'Set-Cookie': ['a', 'b'], 'X-L': 'caf\u00e9' } }),
    );
    expect(headers.filter(([name]) => name === 'Set-Cookie')).toHaveLength(2);
    expect(headers.find(([name]) => name === 'X-L')?.[1]).toBe('caf\u00e9');
  });

  test.each([
    [200, 'text/html', 'text/html; charset=UTF-8'],
    [204, 'text/plain', 'text/plain; charset=UTF-8'],
    [302, 'text/html', 'text/html'],
    [404, 'application/json', 'application/json'],
  ])('with status %i has for the type %s: %s', async (status, type, shown) => {
    const response = await fixture.send('plain', replying({ status, headers: { 'Content-Type': type } }));
    expect([response.status, response.header('Content-Type')]).toEqual([status, shown]);
  });

  test('has fields of a plugin beside the same fields of the upstream, and one Content-Type', async () => {
    const { headers, header } = await fixture.send('headed', replying({ headers: { 'X-A': 'up' } }));
    expect(headers.filter(([name]) => name === 'X-A').map(([, value]) => value)).toEqual(['plugin', 'up']);
    expect(header('Content-Type')).toBe('text/plain; charset=UTF-8');
  });

  test('is 504 if the upstream exceeds the read timeout', async () => {
    expect((await fixture.send('slow', replying({ never: true }))).status).toBe(504);
  });

  test('ends early if the upstream ends early', async () => {
    const { header, body } = await fixture.send('plain', replying({ half: true }));
    expect([header('Content-Length'), body]).toEqual(['10', 'hello']);
  });

  test('to a WebSocket handshake opens a tunnel', async () => {
    const handshake =
      'GET /plain/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n';
    const text = await converse(fixture.gateway.proxyPort, [
      [handshake, '\r\n\r\n'],
      ['hello', 'hello'],
      ['again', 'again'],
    ]);
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(text).toMatch(/^upgrade: websocket\r$/im);
    expect(text).toMatch(/^x-lab: 1\r$/im);
    expect(fixture.upstream.last.header('Connection')).toBe('keep-alive, Upgrade');
    expect(fixture.upstream.last.header('Upgrade')).toBe('websocket');
  });

  test.each(
    paths.flatMap(([base, route, strip, request, v0, v1], i) => [
      [`${base}|${route}|${strip}`, request, `v0-${i}`, v0] as const,
      [`${base}|${route}|${strip}`, request, `v1-${i}`, v1] as const,
    ]),
  )('comes from the expected path: %s for %s (%s)', async (_where, request, name, wanted) => {
    await fixture.send(name, { target: request.replace('NAME', name) });
    expect(fixture.upstream.last.line).toBe(`GET ${wanted.replace('NAME', name)}`);
  });

  test('comes from the route with the most specific match', async () => {
    const seenBy = async (request: Partial<RawRequest>): Promise<string> => {
      await fixture.send('split', { target: '/split/x', ...request });
      return fixture.upstream.last.line;
    };
    expect(await seenBy({ method: 'PUT' })).toBe('PUT /any/x');
    expect(await seenBy({})).toBe('GET /get/x');
    expect(await seenBy({ method: 'PUT', headers: [['Host', 'a.example']] })).toBe('PUT /host/x');
    expect(await seenBy({ target: '/split/longer/x' })).toBe('GET /get/longer/x');
    expect(await seenBy({ method: 'PUT', target: '/split/longer/x' })).toBe('PUT /longer/x');
  });

  test.each([
    ['a broken escape', 'GET /plain/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
    [
      'a path that leaves the root',
      'GET /plain/../../x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      400,
    ],
    ['two hosts', 'GET /plain HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['no host', 'GET /plain HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['no path', 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
    [
      'two Authorization fields',
      'GET /plain HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n',
      400,
    ],
    [
      'a length and a chunked coding',
      'POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['a header of 9000 bytes', `GET /plain HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(9000)}\r\n\r\n`, 400],
    [
      'a path of 9000 bytes',
      `GET /plain/${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      414,
    ],
    ['TRACE', 'TRACE /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 405],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 400],
  ])('is an error page for %s', async (_what, bytes, status) => {
    const { proxyPort } = fixture.gateway;
    const response = parseResponse(await sendBytes(proxyPort, bytes, (text) => text.includes('request_id')));
    expect([response.status, response.header('Server')]).toEqual([status, 'kong/3.9.3']);
    expect(fixture.upstream.seen).toHaveLength(0);
  });
});
