// What an upstream sees of a request that passes, and a client of its response; seen on Kong 3.9.3, and with KONG_BIN.
import { calling, type Calls, type FixtureRoute } from './kong-emulator-fixture/kong-fixture';
import { sendBytes, type RawRequest } from './kong-emulator-fixture/raw-exchange';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const passing = (calls: Calls, more: FixtureRoute = {}): FixtureRoute =>
  calling(calls, { ...more, passes: true });
const replying = (reply: object): Partial<RawRequest> => ({ headers: [['X-Reply', JSON.stringify(reply)]] });

const routes: Record<string, FixtureRoute> = {
  plain: {},
  preserved: { route: { preserve_host: true } },
  changed: passing([
    ['service.request.setHeader', ['X-A', '1']],
    ['service.request.addHeader', ['X-A', '2']],
    ['service.request.setHeader', ['X-Empty', '']],
    ['service.request.clearHeader', ['X-Gone']],
    ['service.request.setHeaders', [{ Host: 'h.example' }]],
    ['service.request.setPath', ['/new path']],
    ['service.request.setRawQuery', ['b=2 3']],
  ]),
  moved: { service: { url: 'https://nowhere.invalid/base' } },
  noted: passing([['service.request.setHeader', ['X-Note', 'secret']]]),
  https: { route: { protocols: ['https'] } },
  balanced: { service: { host: 'lab.upstream', protocol: 'http', url: undefined } },
  renamed: passing([['service.setUpstream', ['lab.upstream']]], {
    service: { url: 'http://nowhere.invalid' },
  }),
  fixed: passing([['service.setTarget', ['localhost', 80]]]),
  repeated: { service: { retries: 2 } },
  dead: { service: { url: 'http://127.0.0.1:1', retries: 1 } },
  nowhere: { service: { url: 'http://nowhere.invalid' } },
};

describe('a proxied request', () => {
  const fixture = useKongFixture(routes, { extra: { upstreams: [{ name: 'lab.upstream' }] } });

  beforeAll(async () => {
    const { port } = fixture.upstream;
    const target = passing([
      ['service.setTarget', ['127.0.0.1', port]],
      ['service.request.setScheme', ['http']],
    ]);
    const upstreams = [{ name: 'lab.upstream', targets: [{ target: `127.0.0.1:${port}` }] }];
    const config = fixture.configWith({ ...routes, moved: { ...routes['moved'], ...target } });
    await fixture.gateway.applyConfig({ ...config, upstreams });
  });

  test('has the fields that Kong adds', async () => {
    await fixture.send('plain', {
      target: '/plain/x?a=1',
      headers: [
        ['X-Two', 'a'],
        ['x-two', 'b'],
      ],
    });
    const { line, header } = fixture.upstream.last;
    const { proxyPort } = fixture.gateway;
    expect(line).toBe('GET /x?a=1');
    expect(header('Host')).toBe(`127.0.0.1:${fixture.upstream.port}`);
    expect(header('Connection')).toBe('keep-alive');
    expect(header('Via')).toBe('1.1 kong/3.9.3');
    expect(header('X-Real-IP')).toBe('127.0.0.1');
    expect(header('X-Forwarded-For')).toBe('127.0.0.1');
    expect(header('X-Forwarded-Proto')).toBe('http');
    expect(header('X-Forwarded-Host')).toBe('127.0.0.1');
    expect(header('X-Forwarded-Port')).toBe(String(proxyPort));
    expect(header('X-Forwarded-Path')).toBe('/plain/x');
    expect(header('X-Forwarded-Prefix')).toBe('/plain');
    expect(header('X-Kong-Request-Id')).toMatch(/^[0-9a-f]{32}$/);
    expect(fixture.upstream.last.rawHeaders.filter((field) => /^x-two$/i.test(field))).toEqual([
      'X-Two',
      'x-two',
    ]);
  });

  test("keeps the client's X-Forwarded-For, and no other forwarding field", async () => {
    const forged: [string, string][] = [
      ['X-Forwarded-For', '1.2.3.4'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Prefix', '/evil'],
      ['X-Real-IP', '9.9.9.9'],
      ['X-Kong-Request-Id', 'mine'],
      ['Via', '1.0 a'],
    ];
    await fixture.send('plain', { headers: forged });
    const { header } = fixture.upstream.last;
    expect(header('X-Forwarded-For')).toBe('1.2.3.4, 127.0.0.1');
    expect(header('X-Forwarded-Proto')).toBe('http');
    expect(header('X-Forwarded-Prefix')).toBe('/plain');
    expect(header('X-Real-IP')).toBe('127.0.0.1');
    expect(header('X-Kong-Request-Id')).not.toBe('mine');
    expect(header('Via')).toBe('1.0 a, 1.1 kong/3.9.3');
  });

  test('loses hop-by-hop fields, and those that Connection names', async () => {
    const hops: [string, string][] = [
      ['Connection', 'close, X-Named, Authorization'],
      ['X-Named', '1'],
      ['Authorization', 'a'],
      ['Keep-Alive', '5'],
      ['TE', 'trailers, deflate'],
      ['Upgrade', 'h2c'],
      ['Proxy', 'evil'],
      ['Proxy-Connection', 'x'],
      ['X-Stays', '1'],
      ['X.Dotted', '1'],
    ];
    await fixture.send('plain', { headers: hops });
    const { header } = fixture.upstream.last;
    for (const name of [
      'X-Named',
      'Authorization',
      'Keep-Alive',
      'Upgrade',
      'Proxy',
      'Proxy-Connection',
      'X.Dotted',
    ]) {
      expect([name, header(name)]).toEqual([name, undefined]);
    }
    expect(header('TE')).toBe('trailers');
    expect(header('X-Stays')).toBe('1');
  });

  test('loses a field of the plugin that the client names in Connection', async () => {
    await fixture.send('noted', { headers: [['Connection', 'close, X-Note']] });
    expect(fixture.upstream.last.header('X-Note')).toBeUndefined();
  });

  test('keeps the Host if the route preserves it', async () => {
    await fixture.send('preserved', { headers: [['Host', 'Example.COM:81']] });
    expect(fixture.upstream.last.header('Host')).toBe('Example.COM:81');
    expect(fixture.upstream.last.header('X-Forwarded-Host')).toBe('example.com');
  });

  test('has the host of an absolute request target, and keeps the one of the Host field', async () => {
    await fixture.send('preserved', {
      target: 'http://Other.example:9/preserved/x',
      headers: [['Host', 'a']],
    });
    const { line, header } = fixture.upstream.last;
    expect([line, header('X-Forwarded-Host'), header('Host')]).toEqual(['GET /x', 'other.example', 'a']);
  });

  test('has the changes that a plugin made', async () => {
    await fixture.send('changed', { headers: [['X-Gone', '1']] });
    const { line, rawHeaders, header } = fixture.upstream.last;
    expect(line).toBe('GET /new%20path?b=2%203');
    expect(header('X-A')).toBe('1, 2');
    expect(rawHeaders[rawHeaders.indexOf('X-Empty') + 1]?.trim()).toBe('');
    expect(header('X-Gone')).toBeUndefined();
    expect(header('Host')).toBe('h.example');
  });

  test('is sent to the target of set_target, with that name as its Host', async () => {
    await fixture.send('moved', { target: '/moved/x' });
    expect(fixture.upstream.last.line).toBe('GET /base/x');
    expect(fixture.upstream.last.header('Host')).toBe('127.0.0.1');
  });

  test('gets 500 if a plugin sets a name on a service with an address', async () => {
    expect((await fixture.send('fixed')).status).toBe(500);
  });

  test.each(['balanced', 'renamed'])('is sent to a target of an upstream (%s)', async (name) => {
    await fixture.send(name);
    expect(fixture.upstream.last.header('Host')).toBe(`127.0.0.1:${fixture.upstream.port}`);
  });

  test('keeps the question mark of an empty query', async () => {
    await fixture.send('plain', { target: '/plain/x?' });
    expect(fixture.upstream.last.line).toBe('GET /x?');
  });

  test('has a Content-Length if it has a body, chunked or not, and none otherwise', async () => {
    const chunked: Partial<RawRequest> = { method: 'POST', headers: [['Transfer-Encoding', 'chunked']] };
    await fixture.send('plain', { ...chunked, body: '5\r\nhello\r\n0\r\n\r\n' });
    await fixture.send('plain', { method: 'POST' });
    const [first, second] = fixture.upstream.seen;
    expect([first?.body, first?.header('Content-Length'), first?.header('Transfer-Encoding')]).toEqual([
      'hello',
      '5',
      undefined,
    ]);
    expect([second?.header('Content-Length'), second?.header('Transfer-Encoding')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('gets 100 Continue', async () => {
    const bytes =
      'POST /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello';
    expect(await sendBytes(fixture.gateway.proxyPort, bytes)).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/,
    );
  });

  test('is sent again after a closed connection, unless its method is not idempotent', async () => {
    const hangUp = replying({ hangUp: true });
    await fixture.send('repeated');
    fixture.upstream.seen.length = 0;
    // Two retries, and one more try since the first went over a connection that was kept.
    expect((await fixture.send('repeated', hangUp)).status).toBe(502);
    expect(fixture.upstream.seen).toHaveLength(4);
    expect((await fixture.send('repeated', { ...hangUp, method: 'POST', body: 'x' })).status).toBe(502);
    expect(fixture.upstream.seen).toHaveLength(5);
  });

  test('gets 502 if nothing listens, 503 if the name does not resolve, and 404 without a route', async () => {
    const dead = await fixture.send('dead');
    expect([dead.status, dead.header('Via'), dead.header('Content-Type')]).toEqual([
      502,
      '1.1 kong/3.9.3',
      'text/plain; charset=utf-8',
    ]);
    const nowhere = await fixture.send('nowhere');
    expect([nowhere.status, JSON.parse(nowhere.body)]).toMatchObject([
      503,
      { message: 'name resolution failed' },
    ]);
    const lost = await fixture.send('nope');
    expect([lost.status, JSON.parse(lost.body)]).toMatchObject([
      404,
      { message: 'no Route matched with those values' },
    ]);
  });

  test('gets 426 on a route that is for https only', async () => {
    const response = await fixture.send('https');
    expect([response.status, response.header('Upgrade')]).toEqual([426, 'TLS/1.2, HTTP/1.1']);
  });
});
