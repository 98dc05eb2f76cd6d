// A plugin hands a request to a listener of its own: set_target without an exit. Where it goes, what it looks like there,
// how often it is sent. Seen on Kong 3.9.3, and with KONG_BIN.
import { useResources } from '../helpers/use-resources';
import {
  calling,
  startKongFixture,
  type Calls,
  type KongFixture,
  type FixtureRoute,
} from './kong-emulator-fixture/kong-fixture';
import { StreamUpstream } from './kong-emulator-fixture/stream-upstream';

const NOTE = 'n'.repeat(50_000);
const LATIN = 'caf\u00e9';

describe('a request whose target a plugin sets', () => {
  let listener: StreamUpstream;
  let fixture: KongFixture;

  /** Points the request at the listener. */
  const handing = (more: Calls, route: FixtureRoute = {}): FixtureRoute =>
    calling([['service.setTarget', ['127.0.0.1', listener.port]], ...more], { ...route, passes: true });
  const SCHEME: Calls = [['service.request.setScheme', ['http']]];
  const RAW_QUERY = 'async-id=1&n=a b%2F"<>';

  useResources(async (resources) => {
    listener = await resources.use(StreamUpstream.start(), (started) => started.stop());
    const upstreams = [
      {
        name: 'two.upstream',
        targets: [{ target: '127.0.0.1:1' }, { target: `127.0.0.1:${listener.port}` }],
      },
    ];
    const routes: Record<string, FixtureRoute> = {
      plain: handing([['service.request.setHeader', ['X-Note', NOTE]]], { path: '/base' }),
      secure: handing(SCHEME, { service: { url: 'https://nowhere.invalid/base' } }),
      'still-secure': handing([], { service: { url: 'https://nowhere.invalid', retries: 0 } }),
      kept: handing([], { route: { preserve_host: true } }),
      balanced: handing([], { service: { host: 'two.upstream', protocol: 'http', url: undefined } }),
      unbuffered: handing([], { route: { request_buffering: false, response_buffering: false } }),
      query: handing([['service.request.setRawQuery', [RAW_QUERY]]]),
      'no-query': handing([['service.request.setRawQuery', ['']]]),
      path: handing([['service.request.setPath', ['/p q/\u00e9']]]),
      method: handing([['service.request.setMethod', ['PUT']]]),
      read: handing([
        ['request.getRawBody', [0]],
        ['service.request.setHeader', ['X-Latin', LATIN]],
      ]),
      told: calling([
        ['service.setTarget', ['127.0.0.1', 1234]],
        ['nginx.getCtx', ['balancer_data']],
        ['nginx.getVar', ['upstream_host']],
      ]),
      dead: calling([['service.setTarget', ['127.0.0.1', 1]]], { passes: true }),
      targets: { service: { host: 'two.upstream', protocol: 'http', url: undefined } },
      repeated: handing([], { service: { retries: 2 } }),
      flowing: handing([], { route: { request_buffering: false }, service: { retries: 2 } }),
    };
    const raising: [string, Calls][] = [
      ['host', [['service.setTarget', [5, 80]]]],
      ['fraction', [['service.setTarget', ['127.0.0.1', 80.5]]]],
      ['port', [['service.setTarget', ['127.0.0.1', 65_536]]]],
      ['scheme', [['service.request.setScheme', ['HTTP']]]],
      ['query', [['service.request.setRawQuery', [5]]]],
      ['method', [['service.request.setMethod', ['get']]]],
      ['header', [['service.request.setHeader', ['X-A', [1]]]]],
    ];
    for (const [name, calls] of raising) routes[`raise-${name}`] = calling(calls);
    const bare = { name: 'bare', paths: ['/bare'], plugins: [{ name: 'js-lab', config: handing([]).lab }] };
    const starting = startKongFixture(routes, { extra: { upstreams, routes: [bare] } });
    fixture = await resources.use(starting, (started) => started.stop());
  });

  afterEach(() => {
    listener.arrivals.length = 0;
  });

  test('is sent with the path, the query and the fields that the upstream would get', async () => {
    const headers: [string, string][] = [
      ['Host', 'front.example'],
      ['X-Forwarded-For', '1.2.3.4'],
      ['Connection', 'close, X-Named'],
      ['X-Named', '1'],
    ];
    await fixture.send('plain', { method: 'POST', target: '/plain/x%20y?a=1&b', headers, body: 'hello' });
    const { line, headers: seen, bytes } = listener.last;
    expect(line).toBe('POST /base/x%20y?a=1&b');
    expect(bytes).toBe(5);
    expect(seen).toMatchObject({
      host: '127.0.0.1',
      'x-note': NOTE,
      'x-forwarded-for': '1.2.3.4, 127.0.0.1',
      'x-forwarded-host': 'front.example',
      'x-forwarded-path': '/plain/x%20y',
      'x-forwarded-prefix': '/plain',
      'x-real-ip': '127.0.0.1',
      via: '1.1 kong/3.9.3',
      connection: 'keep-alive',
      'content-length': '5',
    });
    expect(seen['x-kong-request-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(seen['x-named']).toBeUndefined();
  });

  test('loses the fields that Connection names, also those of the plugin', async () => {
    await fixture.send('plain', { headers: [['Connection', 'close, x-note']] });
    expect(listener.last.headers['x-note']).toBeUndefined();
  });

  test.each(['secure', 'kept', 'balanced', 'unbuffered'])(
    'has Host 127.0.0.1 on any service and route (%s)',
    async (name) => {
      const { status } = await fixture.send(name, { headers: [['Host', 'front.example']] });
      expect([status, listener.last.headers.host]).toEqual([200, '127.0.0.1']);
    },
  );

  test('gets 502 if the scheme stays https', async () => {
    expect((await fixture.send('still-secure')).status).toBe(502);
    expect(listener.arrivals).toHaveLength(0);
  });

  test('gets 503 from Kong on a route without a service, whatever its target', async () => {
    const response = await fixture.send('bare');
    expect([response.status, JSON.parse(response.body)]).toMatchObject([
      503,
      { message: 'no Service found with those values' },
    ]);
    expect(listener.arrivals).toHaveLength(0);
  });

  test('has the query that the plugin set, or none', async () => {
    await fixture.send('query', { target: '/query/x?old=1' });
    await fixture.send('no-query', { target: '/no-query/x?old=1' });
    expect(listener.arrivals.map(({ line }) => line)).toEqual(['GET /x?async-id=1&n=a%20b%2F"<>', 'GET /x']);
  });

  test('has the path and the method that the plugin set', async () => {
    await fixture.send('path');
    await fixture.send('method', { method: 'POST', body: 'x' });
    expect(listener.arrivals.map(({ line }) => line)).toEqual(['GET /p%20q/%C3%A9', 'PUT /']);
  });

  test('has a body that the plugin has read, also bytes that are not UTF-8', async () => {
    await fixture.send('read', { method: 'POST', body: 'y'.repeat(100_000) });
    expect(listener.last.bytes).toBe(100_000);
    expect(listener.last.headers['x-latin']).toBe(Buffer.from(LATIN).toString('latin1'));
  });

  test('shows its target to later plugins', async () => {
    const [, data, host] = JSON.parse((await fixture.send('told')).body) as [null, object, string];
    expect(data).toMatchObject({ host: '127.0.0.1', port: 1234, type: 'ipv4', scheme: 'http' });
    expect(host).toBe('127.0.0.1');
  });

  test.each(['host', 'fraction', 'port', 'scheme', 'query', 'method', 'header'])(
    'gets 500 if a call has an invalid argument (%s)',
    async (name) => {
      expect((await fixture.send(`raise-${name}`)).status).toBe(500);
    },
  );

  test.each<[string, string, number]>([
    ['GET', 'repeated', 3],
    ['PUT', 'repeated', 3],
    ['DELETE', 'repeated', 3],
    ['POST', 'repeated', 1],
    ['PATCH', 'repeated', 1],
    ['GET', 'flowing', 3],
    ['PUT', 'flowing', 1],
  ])(
    'a %s on the route %s is sent %i times to a listener that closes the connection',
    async (method, route, times) => {
      const body = method === 'GET' ? {} : { body: 'z'.repeat(20_000) };
      const { status } = await fixture.send(route, { target: `/${route}/hang-up`, method, ...body });
      expect([status, listener.arrivals.length]).toEqual([502, times]);
    },
  );

  test.each(['GET', 'POST'])('a %s gets 502 if nothing listens on the port', async (method) => {
    expect((await fixture.send('dead', { method, body: 'x' })).status).toBe(502);
  });

  test('a POST is sent to the next target if the first does not accept the connection', async () => {
    for (let i = 0; i < 4; i++) {
      expect((await fixture.send('targets', { method: 'POST', body: 'x' })).status).toBe(200);
    }
    expect(listener.arrivals).toHaveLength(4);
  });
});
