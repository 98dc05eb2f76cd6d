// The Kong plugins that the emulator has itself, and the order of all of them; seen on Kong 3.9.3, and with KONG_BIN.
import { calling, type FixtureRoute } from './kong-emulator-fixture/kong-fixture';
import type { RawRequest } from './kong-emulator-fixture/raw-exchange';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const keyAuth = (config: object = {}): Record<string, unknown> => ({ name: 'key-auth', config });
const terminate = (config: object = {}): Record<string, unknown> => ({ name: 'request-termination', config });
const restrict = (config: object): FixtureRoute => ({ plugins: [{ name: 'ip-restriction', config }] });
const FORGED: [string, string][] = [
  ['X-Consumer-ID', 'forged'],
  ['X-Consumer-Username', 'forged'],
  ['X-Consumer-Custom-ID', 'forged'],
  ['X-Credential-Identifier', 'forged'],
  ['X-Anonymous-Consumer', 'true'],
];
const withKey = (key: string): Partial<RawRequest> => ({ headers: [['apikey', key], ...FORGED] });

const routes: Record<string, FixtureRoute> = {
  key: { plugins: [keyAuth()] },
  hidden: { plugins: [keyAuth({ hide_credentials: true })] },
  realm: { plugins: [keyAuth({ realm: 'lab' })] },
  anonymous: { plugins: [keyAuth({ anonymous: 'nobody' })] },
  known: calling(
    [
      ['client.getConsumer', []],
      ['client.getCredential', []],
      ['nginx.getCtx', ['authenticated_consumer']],
    ],
    { plugins: [keyAuth()] },
  ),
  unknown: calling(
    [
      ['client.getConsumer', []],
      ['client.getCredential', []],
    ],
    { plugins: [keyAuth({ anonymous: 'nobody' })] },
  ),
  refused: { plugins: [keyAuth()], lab: { mode: 'exit' } },
  allowed: restrict({ allow: ['127.0.0.2', '127.0.0.1'] }),
  inside: restrict({ allow: ['127.0.0.0/30'] }),
  outside: restrict({ allow: ['127.0.0.2', '10.0.0.0/8'] }),
  denied: restrict({ deny: ['127.0.0.1'], allow: ['127.0.0.1'], status: 451, message: 'not you' }),
  tolerated: restrict({ deny: ['127.0.0.2'] }),
  stop: { plugins: [terminate()] },
  teapot: { plugins: [terminate({ status_code: 418, message: 'tea' })] },
  body: { plugins: [terminate({ status_code: 200, body: '<b>', content_type: 'text/html' })] },
  silent: { plugins: [terminate({ status_code: 418 })] },
  trigger: { plugins: [terminate({ trigger: 'x-stop' })] },
  exits: { plugins: [terminate()], lab: { mode: 'exit' } },
  passes: { plugins: [terminate()], lab: { mode: 'pass' } },
  throws: { plugins: [terminate()], lab: { mode: 'throw' } },
  raises: { plugins: [terminate()], lab: { mode: 'exitbadstatus' } },
};

describe('a bundled plugin', () => {
  const consumers = [
    { username: 'bob', custom_id: 'b-1', keyauth_credentials: [{ key: 'sesame' }] },
    { username: 'nobody' },
  ];
  const fixture = useKongFixture(routes, { extra: { consumers } });

  test("key-auth sends the consumer to the upstream, and replaces the client's fields of the same names", async () => {
    await fixture.send('key', withKey('sesame'));
    const { header } = fixture.upstream.last;
    expect(header('X-Consumer-Username')).toBe('bob');
    expect(header('X-Consumer-Custom-ID')).toBe('b-1');
    expect(header('X-Consumer-ID')).toMatch(/^[0-9a-f-]{36}$/);
    expect(header('X-Credential-Identifier')).toMatch(/^[0-9a-f-]{36}$/);
    expect(header('X-Anonymous-Consumer')).toBeUndefined();
    expect(header('apikey')).toBe('sesame');
  });

  test('key-auth reads a key from the query, and removes it with hide_credentials', async () => {
    await fixture.send('hidden', { target: '/hidden?apikey=sesame&b=1' });
    expect(fixture.upstream.last.line).toBe('GET /?b=1');
    await fixture.send('hidden', withKey('sesame'));
    expect(fixture.upstream.last.header('apikey')).toBeUndefined();
  });

  test.each<[string, string, Partial<RawRequest>, string, string]>([
    ['a request without a key', 'key', {}, 'No API key found in request', 'Key'],
    ['a wrong key', 'realm', withKey('wrong'), 'Unauthorized', 'Key realm="lab"'],
    [
      'two keys',
      'key',
      {
        headers: [
          ['apikey', 'sesame'],
          ['apikey', 'sesame'],
        ],
      },
      'Duplicate API key found',
      'Key',
    ],
  ])('key-auth rejects %s', async (_what, route, request, message, challenge) => {
    const response = await fixture.send(route, request);
    expect([response.status, response.header('WWW-Authenticate')]).toEqual([401, challenge]);
    expect(JSON.parse(response.body)).toMatchObject({ message });
    expect(fixture.upstream.seen).toHaveLength(0);
  });

  test('key-auth accepts a request without a key as the anonymous consumer', async () => {
    await fixture.send('anonymous', { headers: FORGED });
    const { header } = fixture.upstream.last;
    expect(header('X-Consumer-Username')).toBe('nobody');
    expect(header('X-Anonymous-Consumer')).toBe('true');
    expect(header('X-Credential-Identifier')).toBeUndefined();
    expect(header('X-Consumer-Custom-ID')).toBeUndefined();
  });

  test('key-auth shows the consumer to later plugins', async () => {
    const [consumer, credential, context] = JSON.parse(
      (await fixture.send('known', withKey('sesame'))).body,
    ) as object[];
    expect(consumer).toMatchObject({ username: 'bob', custom_id: 'b-1' });
    expect(credential).toMatchObject({ key: 'sesame', consumer: { id: (consumer as { id: string }).id } });
    expect(context).toEqual(consumer);
  });

  test('key-auth gives the anonymous consumer no credential', async () => {
    expect(JSON.parse((await fixture.send('unknown')).body)).toMatchObject([{ username: 'nobody' }, null]);
  });

  test('key-auth runs before the plugin server', async () => {
    expect((await fixture.send('refused')).status).toBe(401);
    expect((await fixture.send('refused', withKey('sesame'))).status).toBe(202);
  });

  test.each(['allowed', 'inside', 'tolerated'])(
    'ip-restriction accepts an address that is %s',
    async (route) => {
      expect((await fixture.send(route)).status).toBe(200);
    },
  );

  test.each<[string, string, number, string]>([
    ['an address that is not allowed', 'outside', 403, 'IP address not allowed: 127.0.0.1'],
    ['a denied address, even if it is allowed too', 'denied', 451, 'not you'],
  ])('ip-restriction rejects %s', async (_what, route, status, message) => {
    const response = await fixture.send(route);
    expect([response.status, JSON.parse(response.body)]).toMatchObject([status, { message }]);
    expect(fixture.upstream.seen).toHaveLength(0);
  });

  test.each<[string, string, number, string, string]>([
    [
      'its status and default message',
      'stop',
      503,
      '{"message":"Service unavailable"}',
      'application/json; charset=utf-8',
    ],
    ['a message', 'teapot', 418, '{"message":"tea"}', 'application/json; charset=utf-8'],
    ['a body', 'body', 200, '<b>', 'text/html; charset=UTF-8'],
  ])('request-termination responds with %s', async (_what, route, status, body, type) => {
    const response = await fixture.send(route);
    expect([response.status, response.body, response.header('Content-Type')]).toEqual([status, body, type]);
  });

  test('request-termination responds without content if it has no message for the status', async () => {
    expect((await fixture.send('silent')).body).toBe('');
  });

  test('request-termination waits for its trigger', async () => {
    expect((await fixture.send('trigger')).status).toBe(200);
    expect((await fixture.send('trigger', { headers: [['X-Stop', '1']] })).status).toBe(503);
    expect((await fixture.send('trigger', { target: '/trigger?x-stop=1' })).status).toBe(503);
  });

  test.each<[string, string, number]>([
    ['is skipped after a response', 'exits', 202],
    ['responds if the plugin lets the request pass', 'passes', 503],
    ['responds if the plugin throws', 'throws', 503],
    ['is skipped after an error in Kong', 'raises', 500],
  ])('request-termination %s', async (_what, route, status) => {
    expect((await fixture.send(route)).status).toBe(status);
    expect(fixture.upstream.seen).toHaveLength(0);
  });

  test('request-termination responds while the plugin server is down', async () => {
    const pids = await fixture.gateway.pluginServerPids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect((await fixture.send('exits')).status).toBe(503);
  });
});
