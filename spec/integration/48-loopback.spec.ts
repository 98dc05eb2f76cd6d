// upstream.mode: loopback. The worker goes through Kong's proxy again, by the kong.yml that docs/kong.md has; what bears
// the worker's loopback token, and is not exactly that request, does not reach the service.
import {
  MAX_TOKEN_LIFE_MS,
  LOOPBACK_HEADER,
  signLoopbackToken,
} from '../../plugins/async-request-reply/loopback/loopback-token';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { caughtMarker, forgedMarker, markerOf, ofSpecs, reenter } from '../helpers/loopback/tokens';
import { ALICE, SECRET, startLoopback } from '../helpers/loopback/start-loopback';
import { problemOf } from '../helpers/problem';
import type { Stack } from '../helpers/stack';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import type { RecordedRequest, Upstream } from '../helpers/upstream';
import { reply } from '../helpers/upstream/answers';

/** An address that is not on the list of the sibling route. */
const ELSEWHERE = { localAddress: '127.0.0.2' };

let stack: Stack;
let targets: readonly Upstream[];

useResources(async (resources) => void ({ stack, targets } = await startLoopback(resources)));

const jobs = async (): Promise<string[]> =>
  (await stack.redis.keys()).filter((key) => key.endsWith(':job')).sort();
const REFUSED = [403, 'loopback-refused'];
const LATE = [503, 'loopback-late'];
const statusOf = ({ status }: HttpResponse): number => status;

describe('the routes of docs/kong.md', () => {
  const reached = (path: string): RecordedRequest[] => targets.flatMap((target) => target.callsTo(path));

  /** Alice's job, and the answer to her poll when it has settled. */
  async function roundTrip(path: string, options: RequestOptions = {}): Promise<HttpResponse> {
    const { id } = await stack.submit(path, { ...options, headers: { ...ALICE, ...options.headers } });
    return await until('the job to settle', async () => {
      const response = await stack.request(path, { headers: { ...ALICE, [ID_HEADER]: id } });
      return response.status === 202 ? null : response;
    });
  }

  test('a job goes through Kong again, and the upstream receives what the client sent', async () => {
    for (const target of targets) {
      target.script('/billing/a', reply({ status: 201, body: 'made', headers: { 'X-From': 'upstream' } }));
    }
    const response = await roundTrip('/billing/a?b=1&c=%2F', {
      method: 'POST',
      body: 'payload',
      headers: { 'X-Mine': 'kept' },
    });
    const [call, ...others] = reached('/billing/a');

    expect([response.status, response.text, response.header('X-From')]).toEqual([201, 'made', 'upstream']);
    expect(others).toEqual([]);
    expect([call?.method, call?.target, call?.body.toString()]).toEqual([
      'POST',
      '/billing/a?b=1&c=%2F',
      'payload',
    ]);
    expect([call?.header('X-Mine'), call?.header('X-Consumer-Username')]).toEqual(['kept', 'alice']);
    expect(call?.header(ID_HEADER)).toBe(response.header(ID_HEADER));
  });

  test('the upstream receives neither the loopback token nor the credential, but the address of the client', async () => {
    await roundTrip('/billing/seen');
    const [call] = reached('/billing/seen');

    expect([call?.header(LOOPBACK_HEADER), call?.header('apikey')]).toEqual([undefined, undefined]);
    expect(call?.header('X-Forwarded-For')).toBe('127.0.0.1, 127.0.0.1');
    expect(call?.header('Via')).toMatch(/^1\.1 kong\/\S+, 1\.1 kong\/\S+$/);
  });

  test('an Upstream with two targets is balanced', async () => {
    const paths = Array.from({ length: 8 }, (_, i) => `/billing/balanced-${i}`);
    const responses = await Promise.all(paths.map((path) => roundTrip(path)));
    const counts = targets.map(({ requests }) => requests.filter(({ path }) => paths.includes(path)).length);

    expect(responses.map(statusOf)).toEqual(paths.map(() => 200));
    expect(counts.filter((count) => count > 0)).toHaveLength(2);
  });

  test('a client that does not authenticate is rejected on the first route, and creates no job', async () => {
    expect(statusOf(await stack.request('/billing/nobody', { method: 'POST', body: 'a' }))).toBe(401);
  });

  test('the sibling route rejects requests from other addresses, and requests with a forged loopback token', async () => {
    const headers = { [LOOPBACK_HEADER]: forgedMarker() };
    const elsewhere = await stack.request('/billing/sneak', { headers, ...ELSEWHERE });
    const near = await stack.request('/billing/sneak', { headers });

    expect(statusOf(elsewhere)).toBe(403);
    expect(elsewhere.text).toContain('IP address not allowed: 127.0.0.2');
    expect(problemOf(near)).toEqual(REFUSED);
    expect(reached('/billing/sneak')).toEqual([]);
  });
});

describe('a loopback token', () => {
  test('a loopback token lets its request pass once, and does not reach the upstream', async () => {
    const path = '/caught/once';
    const { marker, end } = await caughtMarker(stack, path);
    const first = await reenter(stack, path, marker);
    const again = await reenter(stack, path, marker);
    await end();

    expect([first.response.status, first.response.text]).toEqual([200, 'passed']);
    expect(first.passed.map(markerOf)).toEqual([undefined]);
    expect(problemOf(again.response)).toEqual(REFUSED);
    expect(again.passed).toHaveLength(1);
  });

  test('a loopback token that is used twenty times at once lets one request pass', async () => {
    const path = '/caught/crowd';
    const { marker, end } = await caughtMarker(stack, path);
    const responses = await Promise.all(Array.from({ length: 20 }, () => reenter(stack, path, marker)));
    await end();

    expect(responses.map(({ response }) => response.status).sort()).toEqual([
      200,
      ...Array<number>(19).fill(403),
    ]);
    expect(stack.upstream.callsTo(path)).toHaveLength(2);
  });

  test('a loopback token is rejected with another request, and stays valid for its own', async () => {
    const path = '/caught/other';
    const { marker, end } = await caughtMarker(stack, path);
    const others: [string, RequestOptions][] = [
      [path, { method: 'POST', body: '' }],
      [path, { method: 'DELETE' }],
      [`${path}?a=1`, {}],
      [`${path}/more`, {}],
      [path, { headers: { Host: 'elsewhere.example' } }],
      [path, { headers: { Host: 'other-queue' } }],
      [path, { headers: { Host: 'other-secret' } }],
    ];
    const refused = [];
    for (const [target, options] of others) refused.push(await reenter(stack, target, marker, options));
    const own = await reenter(stack, path, marker);
    await end();

    expect(refused.map(({ response }) => problemOf(response))).toEqual(others.map(() => REFUSED));
    expect(refused.flatMap(({ passed }) => passed)).toEqual([]);
    expect(own.response.status).toBe(200);
  });

  test('a loopback token is rejected by an instance with another queue or secret', async () => {
    const path = '/caught/instances';
    const { id, end } = await caughtMarker(stack, path);
    const signed = (host: string): string =>
      signLoopbackToken(
        { jobId: id, attempt: 1, endsAt: Date.now() + 10_000 },
        { ...ofSpecs(stack, path), host },
        SECRET,
      );
    const answers = [];
    for (const host of ['other-queue', 'other-secret']) {
      answers.push(await reenter(stack, path, signed(host), { headers: { Host: host } }));
    }
    await end();

    expect(answers.map(({ response }) => problemOf(response))).toEqual([REFUSED, REFUSED]);
    expect(answers.flatMap(({ passed }) => passed)).toEqual([]);
  });

  test('a loopback token that has expired, or expires too late, is rejected with 503, so that the worker retries', async () => {
    const path = '/caught/late';
    const { id, end } = await caughtMarker(stack, path);
    const now = Number(((await stack.redis.command('TIME')) as string[])[0]) * 1000;
    const signed = (endsAt: number): string =>
      signLoopbackToken({ jobId: id, attempt: 1, endsAt }, ofSpecs(stack, path), SECRET);
    const stale = await reenter(stack, path, signed(now - 1));
    const early = await reenter(stack, path, signed(now + 2 * MAX_TOKEN_LIFE_MS));
    const good = await reenter(stack, path, signed(now + MAX_TOKEN_LIFE_MS / 2));
    await end();

    expect([stale, early].map(({ response }) => problemOf(response))).toEqual([LATE, LATE]);
    expect(good.response.status).toBe(200);
  });

  test('a loopback token is rejected once its attempt has ended', async () => {
    const path = '/caught/ended';
    const { marker, end } = await caughtMarker(stack, path);
    await end();
    const { response, passed } = await reenter(stack, path, marker);

    expect(problemOf(response)).toEqual(REFUSED);
    expect(passed).toEqual([]);
  });

  test('each attempt has its own loopback token', async () => {
    stack.upstream.script('/twice/a', reply({ status: 503, headers: { 'Retry-After': '0' } }), reply());
    await stack.roundTrip('/twice/a');
    const markers = stack.upstream.callsTo('/twice/a').map(markerOf);

    expect(markers.map((marker) => marker?.split('.')[2])).toEqual(['1', '2']);
    expect(new Set(markers).size).toBe(2);
  });

  test.each([
    '/caught/forged',
    '/same/forged',
    '/preferred/forged',
    '/polls/forged',
    '/no-secret/forged',
    '/no-secret-prefer/forged',
    '/no-secret-polls/forged',
  ])('a forged loopback token is rejected on %s, whatever the method', async (path) => {
    const marker = forgedMarker({ uri: path });
    const before = await jobs();
    const responses = [];
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      for (const value of [marker, 'x', `${marker},${marker}`]) {
        responses.push(await stack.request(path, { method, headers: { [LOOPBACK_HEADER]: value } }));
      }
    }

    expect(responses.map(problemOf)).toEqual(responses.map(() => REFUSED));
    expect(stack.upstream.callsTo(path)).toEqual([]);
    expect(await jobs()).toEqual(before);
  });

  test('an empty loopback token does not reach the upstream', async () => {
    const headers = { [LOOPBACK_HEADER]: '' };
    await stack.request('/no-secret-prefer/empty', { headers });
    await stack
      .submit('/no-secret/empty', { headers })
      .then(({ id }) => stack.settled('/no-secret/empty', id));
    const calls = ['/no-secret-prefer/empty', '/no-secret/empty'].flatMap((path) =>
      stack.upstream.callsTo(path),
    );

    expect(calls.map(markerOf)).toEqual([undefined, undefined]);
  });
});

test('Redis contains no loopback secret, and no loopback token that could be used', async () => {
  await stack.redis.command('CONFIG', 'SET', 'rdbcompression', 'no');
  const keys = await stack.redis.keys();
  const dumps = await Promise.all(keys.map((key) => stack.redis.command('DUMP', key)));
  const text = [...keys, ...dumps.map(String)].join();

  expect(text).toContain('upstream.loopback_secret');
  expect(text).not.toContain(SECRET);
  expect(text).not.toMatch(/v1\.[0-9a-f-]{36}\./);
});

describe('without a sibling', () => {
  test('the route lets its own requests pass, and a large body passes Kong twice', async () => {
    const body = 'x'.repeat(300_000);
    stack.upstream.script('/same/large', reply({ body }));
    const response = await stack.roundTrip('/same/large', { method: 'PUT', body });
    const calls = stack.upstream.callsTo('/same/large');

    expect([response.status, response.text === body]).toEqual([200, true]);
    expect(calls.map((call) => [call.method, call.body.toString() === body])).toEqual([['PUT', true]]);
  });

  test('a job that was requested by Prefer goes through Kong, and only its worker receives the response', async () => {
    const { id } = await stack.submit('/preferred/a', { headers: { Prefer: 'respond-async' } });
    await stack.settled('/preferred/a', id);
    const [call, ...others] = stack.upstream.callsTo('/preferred/a');

    expect([call?.jobId, markerOf(call as RecordedRequest), others]).toEqual([id, undefined, []]);
  });

  test('a route that matches by host is found again, and the upstream receives that host', async () => {
    const headers = { Host: 'api.example' };
    const { id } = await stack.submit('/hosts/a', { headers });
    const response = await until('the job to settle', async () => {
      const poll = await stack.request('/hosts/a', { headers: { ...headers, [ID_HEADER]: id } });
      return poll.status === 202 ? null : poll;
    });

    expect(response.status).toBe(200);
    expect(stack.upstream.callsTo('/hosts/a').map((call) => call.header('Host'))).toEqual(['api.example']);
  });

  test.each([
    ['/ring', 'to the same route', 202],
    ['/chain', 'to another that has the plugin', 404],
  ])(
    '%s: a service that leads back to Kong %s makes no second job and no loop',
    async (path, _where, status) => {
      const before = await jobs();
      const { id } = await stack.submit(`${path}/a`);
      const settled = await until('the job to settle', async () => {
        const response = await stack.request(`${path}/a?async-id=${id}`);
        return response.status === 303
          ? ((await stack.redis.command('HGETALL', new KeySpace(stack.keyPrefix).record(id))) as string[])
          : null;
      });

      expect(settled[settled.indexOf('upstream_status') + 1]).toBe(String(status));
      expect(await jobs()).toHaveLength(before.length + 1);
    },
  );
});

describe('while a part is down', () => {
  test('a loopback token is rejected with 503 while Redis is down', async () => {
    const path = '/caught/redis';
    const { id, marker, open } = await caughtMarker(stack, path);
    // In good order, so that the job is there again afterwards.
    await stack.redis.kill('SIGTERM');
    const { response, passed } = await reenter(stack, path, marker).finally(() => stack.redis.start());
    open();
    await until('Redis to be back', async () => (await stack.poll(path, id)).status === 200);

    expect(problemOf(response)).toEqual([503, 'store-unavailable']);
    expect(Number(response.header('Retry-After'))).toBeGreaterThan(0);
    expect(passed).toEqual([]);
  });

  test('the fail-closed guard rejects every loopback token with 503 while the plugin server is down', async () => {
    const path = '/caught/frozen';
    const { marker } = await caughtMarker(stack, path);
    await stack.request('/billing/warm', { headers: { [LOOPBACK_HEADER]: forgedMarker() } });
    const pids = await stack.gateway.pluginServerPids();
    const signal = (name: NodeJS.Signals): void => pids.forEach((pid) => void process.kill(pid, name));
    signal('SIGSTOP');
    const answers = await Promise.all([
      reenter(stack, path, marker),
      reenter(stack, path, forgedMarker({ uri: path })),
      reenter(stack, '/billing/frozen', forgedMarker({ uri: '/billing/frozen' })),
    ]).finally(() => signal('SIGCONT'));

    expect(answers.map(({ response }) => response.status)).toEqual([503, 503, 503]);
    expect([
      ...answers.flatMap(({ passed }) => passed),
      ...targets.flatMap((one) => one.callsTo('/billing/frozen')),
    ]).toEqual([]);
  });
});
