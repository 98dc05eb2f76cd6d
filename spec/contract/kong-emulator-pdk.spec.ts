// What a plugin reads of a request through the gateway; all of it seen on Kong 3.9.3, and again with KONG_BIN.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { calling, type Calls, type FixtureRoute } from './kong-emulator-fixture/kong-fixture';
import { reads, variables } from './kong-emulator-fixture/pdk-reads';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const MANY_HEADERS = Array.from({ length: 150 }, (_, i): [string, string] => [`X-${i}`, '1']);

/** A fact and calls that Kong raises at: the client gets 500. */
const raises: [fact: string, calls: Calls][] = [
  ['more than 1000 headers', [['request.getHeaders', [1001]]]],
  ['a maximum of 0 headers', [['request.getHeaders', [0]]]],
  ['a maximum that is a string', [['request.getHeaders', ['5']]]],
  ['a header name that is a number', [['request.getHeader', [5]]]],
  ['a missing variable name', [['nginx.getVar', []]]],
  ['a call of the log phase', [['log.serialize', []]]],
  ['a call of a later phase', [['response.getStatus', []]]],
  ['a port out of range', [['service.setTarget', ['a', 70_000]]]],
  ['an unknown scheme', [['service.request.setScheme', ['ftp']]]],
  ['a path without a slash', [['service.request.setPath', ['x']]]],
];

describe('the PDK', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lab-'));
  const nginxInclude = path.join(folder, 'maps.conf');
  fs.writeFileSync(
    nginxInclude,
    '# one call for all\nmap $kong_request_id $lab_all {\n  volatile;\n' +
      '  default "a\\n${request_method}b\\t\\"$args\\"|$http_none|$upstream_uri";\n}\n',
  );
  const numbered = (name: string, list: Calls[]): [string, FixtureRoute][] =>
    list.map((calls, i) => [`${name}-${i}`, calling(calls)]);
  const fixture = useKongFixture(
    {
      ...Object.fromEntries([
        ...numbered(
          'read',
          reads.map(([, calls]) => calls),
        ),
        ...numbered(
          'raise',
          raises.map(([, calls]) => calls),
        ),
      ]),
      many: calling([
        ['request.getHeaders', []],
        ['request.getHeaders', [3]],
        ['request.getHeaders', [1000]],
      ]),
      map: calling(variables('lab_all')),
      length: calling(variables('request_length', 'content_length', 'content_type')),
      entities: calling([
        ['router.getService', []],
        ['router.getRoute', []],
        ['nginx.getCtx', ['balancer_data']],
      ]),
      body: { lab: { mode: 'body' } },
      limited: { lab: { mode: 'body', max: 20_000 } },
    },
    { nginxInclude, extra: { upstreams: [{ name: 'lab.upstream' }] } },
  );
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test.each(reads.map((row, i) => [...row, i] as const))('%s', async (_fact, _calls, request, answers, i) => {
    const name = `read-${i}`;
    const target = (request.target ?? '/NAME').replace('NAME', name);
    const { body } = await fixture.send(name, { ...request, target });
    const text = Buffer.from(body, 'latin1').toString('utf8');
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(answers).replaceAll('NAME', name)));
  });

  test.each(raises.map(([fact, calls], i) => [fact, calls, i] as const))(
    'responds with 500 for %s',
    async (_fact, _calls, i) => {
      expect((await fixture.send(`raise-${i}`)).status).toBe(500);
    },
  );

  test('returns 100 headers, or as many as the plugin requests', async () => {
    const { body } = await fixture.send('many', { headers: MANY_HEADERS });
    const counts = (JSON.parse(body) as object[]).map((headers) => Object.keys(headers).length);
    expect(counts).toEqual([100, 3, 152]);
  });

  test('returns the service, the route and the target of the request', async () => {
    const [service, route, balancer] = JSON.parse((await fixture.send('entities')).body) as Record<
      string,
      unknown
    >[];
    const { port } = fixture.upstream;
    expect(service).toMatchObject({
      name: 'service-entities',
      protocol: 'http',
      host: '127.0.0.1',
      port,
      retries: 5,
      read_timeout: 60_000,
      enabled: true,
      ws_id: expect.any(String) as string,
    });
    expect(route).toMatchObject({
      name: 'entities',
      paths: ['/entities'],
      strip_path: true,
      preserve_host: false,
      protocols: ['http', 'https'],
      service: { id: service?.['id'] },
    });
    expect(balancer).toEqual({
      scheme: 'http',
      host: '127.0.0.1',
      port,
      type: 'ipv4',
      try_count: 0,
      tries: [],
      retries: 5,
      connect_timeout: 60_000,
      send_timeout: 60_000,
      read_timeout: 60_000,
    });
  });

  test('returns the length of the request head, without the body', async () => {
    const head = 'POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n';
    const { body } = await fixture.send('length', {
      method: 'POST',
      headers: [['Host', 'a']],
      body: 'hello',
    });
    expect(JSON.parse(body)).toEqual([String(head.length), '5', null]);
  });

  test('returns many values at once from a map in an nginx include', async () => {
    expect(JSON.parse((await fixture.send('map', { target: '/map/x?q=1' })).body)).toEqual([
      'a\nGETb\t"q=1"||/x',
    ]);
  });

  test.each([
    [0, 200],
    [8192, 200],
    [11_000, 200],
    [11_300, 500],
    [70_000, 500],
  ])('returns a raw body of %i bytes without a limit: status %i', async (length, status) => {
    expect((await fixture.send('body', { method: 'POST', body: 'x'.repeat(length) })).status).toBe(status);
  });

  test.each([
    [20_000, 200],
    [20_001, 500],
  ])('returns a raw body of %i bytes with a limit of 20000: status %i', async (length, status) => {
    expect((await fixture.send('limited', { method: 'POST', body: 'x'.repeat(length) })).status).toBe(status);
  });
});
