// Who gets into a queue, and when it is his turn: caps that hold under any crowd, places that fall free by themselves,
// priority and start time, and callers that do not starve one another.
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { byLane } from '../helpers/lane';
import { problemOf } from '../helpers/problem';
import { TcpProxy } from '../helpers/tcp-proxy';
import { CallMeter } from '../helpers/upstream/call-meter';
import { reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const CROWD = 200;
const MAX_WAITING = 50;
const MAX_PER_CALLER = 20;

/** How long a slot is reserved for a submit that is not confirmed: queue/queue-index.ts. */
const PROVISIONAL_MS = 30_000;

const ALICE = { apikey: 'key-of-alice' };
const BOB = { apikey: 'key-of-bob' };

const keyAuth = { name: 'key-auth', config: { key_names: ['apikey'] } };

const routes = [
  { name: 'full', config: { queue: { name: 'full', max_waiting: MAX_WAITING } } },
  { name: 'capped', plugins: [keyAuth], config: { queue: { max_per_caller: MAX_PER_CALLER } } },
  {
    name: 'when',
    config: {
      queue: { name: 'when', concurrency: 1, priority_header: 'X-Priority', delay_header: 'X-Start' },
    },
  },
  { name: 'fair', plugins: [keyAuth], config: { queue: { name: 'fair', concurrency: 5 } } },
];

const stack = useStack({
  routes,
  extra: {
    consumers: [
      { username: 'alice', keyauth_credentials: [{ key: 'key-of-alice' }] },
      { username: 'bob', keyauth_credentials: [{ key: 'key-of-bob' }] },
    ],
  },
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

const wires: TcpProxy[] = [];
afterEach(() => Promise.all(wires.splice(0).map((wire) => wire.close())));

/** A wire to Redis for one test, on which replies take so long. */
async function startWire(latencyMs = 0): Promise<TcpProxy> {
  const wire = await TcpProxy.start(stack().redis.port, latencyMs);
  wires.push(wire);
  return wire;
}

const crowd = (path: string, options: RequestOptions = {}): Promise<HttpResponse[]> =>
  stack().client.crowd(Array<string>(CROWD).fill(path), () => ({ method: 'POST', body: 'a', ...options }));

const withStatus = (responses: readonly HttpResponse[], status: number): HttpResponse[] =>
  responses.filter((response) => response.status === status);

describe('max_waiting', () => {
  const path = '/full/jobs';
  const placesKey = (): string => `${stack().keyPrefix}:{full}:slots`;

  test(`max_waiting accepts ${MAX_WAITING} of ${CROWD} concurrent submits, and rejects the others with Retry-After`, async () => {
    const responses = await crowd(path);
    const refused = withStatus(responses, 503);

    expect(withStatus(responses, 202)).toHaveLength(MAX_WAITING);
    expect(refused.map(problemOf)).toEqual(Array(CROWD - MAX_WAITING).fill([503, 'queue-full']));
    // Nothing has settled yet, so there is no estimate.
    expect(refused.every((response) => response.header('Retry-After') === '300')).toBe(true);
    expect(await stack().redis.command('ZCARD', placesKey())).toBe(MAX_WAITING);
  });

  test.each([
    [30, '10'],
    [300, '1'],
    [6000, '1'],
  ])('with %i jobs settled in the last minute, Retry-After is %s', async (settled, seconds) => {
    const bucket = Math.floor(Date.now() / 10_000);
    await stack().redis.command(
      'SET',
      `${stack().keyPrefix}:{full}:settled:${bucket}`,
      settled,
      'PX',
      60_000,
    );
    const response = await stack().request(path);

    expect([...problemOf(response), response.header('Retry-After')]).toEqual([503, 'queue-full', seconds]);
  });

  test('max_waiting counts queued jobs, not running ones', async () => {
    const meter = new CallMeter();
    stack().upstream.script(path, meter.answer);
    startWorker();
    await until('the workers to be busy', () => meter.open === 10);
    const responses = await crowd(path);
    meter.free();

    expect(withStatus(responses, 202)).toHaveLength(10);
    await until('the queue to be empty', async () => !(await stack().redis.keys()).includes(placesKey()));
    await until('the calls to be over', () => meter.open === 0);
  });

  test('a slot that was reserved right before a crash expires', async () => {
    const { redis, keyPrefix } = stack();
    const wire = await startWire();
    const queue = { name: 'crash', max_waiting: 1 };
    const name = 'crash';
    await stack().applyRoutes([...routes, { name, config: { queue, redis: { port: wire.port } } }]);
    // A poll that looks for a job: the connection is there.
    await stack().pluginServerBack('/crash');
    // Redis has reserved the slot, and the plugin server never receives the reply.
    wire.holdReplies((bytes) => bytes.includes('{crash}:caller:'));
    const submit = stack().request('/crash/first');
    const places = `${keyPrefix}:{crash}:slots`;
    const reserved = async (): Promise<string[]> =>
      (await redis.command('ZRANGE', places, 0, -1, 'WITHSCORES')) as string[];
    await until('the place to be taken', async () => (await reserved()).length > 0);
    const [id = '', freeAt = ''] = await reserved();
    await stack().killPluginServer();
    expect((await submit).status).toBeGreaterThanOrEqual(500);
    wire.mend();
    await stack().pluginServerBack('/crash');

    expect(Number(freeAt) - Date.now()).toBeLessThanOrEqual(PROVISIONAL_MS);
    // The body that was received expires too.
    const left = (await redis.keys()).filter((key) => key.includes(id));
    expect(left).toEqual(byLane([], [`${keyPrefix}:{${id}}:req`]));
    for (const key of left) expect(await redis.command('PTTL', key)).toBeGreaterThan(0);
    expect(problemOf(await stack().request('/crash/second'))).toEqual([503, 'queue-full']);
    // Nobody waits half a minute for it here.
    await redis.command('ZADD', places, 'XX', Date.now() + 500, id);
    await until('the place to be free', async () => (await stack().request('/crash/third')).status === 202);
    await stack().applyRoutes(routes);
    await stack().killPluginServer();
    await stack().pluginServerBack('/full');
  });
});

test(`max_per_caller takes ${MAX_PER_CALLER} of ${CROWD} jobs that a caller sends at once, and another caller's`, async () => {
  const path = '/capped/jobs';
  const responses = await crowd(path, { headers: ALICE });
  const refused = withStatus(responses, 429);
  const [accepted] = withStatus(responses, 202);

  expect(withStatus(responses, 202)).toHaveLength(MAX_PER_CALLER);
  expect(refused.map(problemOf)).toEqual(Array(CROWD - MAX_PER_CALLER).fill([429, 'too-many-jobs']));
  expect(refused.every((response) => Number(response.header('Retry-After')) > 0)).toBe(true);
  expect((await stack().request(path, { headers: BOB })).status).toBe(202);
  const headers = { ...ALICE, 'X-Async-Kong-Id': accepted?.header('X-Async-Kong-Id') ?? '' };
  expect((await stack().request(path, { method: 'DELETE', headers })).status).toBe(204);
  const again = [
    await stack().request(path, { headers: ALICE }),
    await stack().request(path, { headers: ALICE }),
  ];
  expect(again.map(({ status }) => status)).toEqual([202, 429]);
});

/** The handoff path looks for the job and for a slot, reserves the bytes, and writes the body. */
const ROUND_TRIPS = byLane(2, 5);

test(`an accept takes ${ROUND_TRIPS} round trips to Redis, and one more under an idempotency key`, async () => {
  const wire = await startWire(30);
  const config = { queue: { name: 'wired', max_per_caller: 100 }, redis: { port: wire.port } };
  await stack().applyRoutes([...routes, { name: 'wired', plugins: [keyAuth], config }]);
  const submit = (headers = {}): Promise<HttpResponse> =>
    stack().request('/wired/jobs', { method: 'POST', body: 'a', headers: { ...ALICE, ...headers } });
  await until('the route to take jobs', async () => (await submit()).status === 202);
  // The first submits load scripts and register the queue.
  await submit({ 'Idempotency-Key': 'first' });
  const counts: number[] = [];
  for (const headers of [{}, {}, {}, ...['a', 'b', 'c'].map((key) => ({ 'Idempotency-Key': key }))]) {
    const before = wire.roundTrips;
    expect((await submit(headers)).status).toBe(202);
    counts.push(wire.roundTrips - before);
  }

  const underKey = ROUND_TRIPS + 1;
  expect(counts).toEqual([ROUND_TRIPS, ROUND_TRIPS, ROUND_TRIPS, underKey, underKey, underKey]);
  await stack().applyRoutes(routes);
  await stack().killPluginServer();
  await stack().pluginServerBack('/full');
});

describe('priority and start time', () => {
  const path = '/when/jobs';
  const later = new Date(Date.now() + 7_200_000).toISOString();

  test.each([
    ...['0', '11', '1.5', '-1', '', 'high', '0x5', '5 5'].map((value) => ['X-Priority', value] as const),
    ...['-1', '', '1.5', 'soon', '3600', later].map((value) => ['X-Start', value] as const),
    ...['2026-11-22T12:00:00', '2026-13-45T12:00:00Z', '2026-11-22'].map(
      (value) => ['X-Start', value] as const,
    ),
  ])('%s: %p is refused', async (name, value) => {
    const response = await stack().request(path, { headers: [[name, value]] });

    expect(problemOf(response)).toEqual([
      400,
      name === 'X-Priority' ? 'invalid-priority' : 'invalid-start-time',
    ]);
  });

  test.each([
    ['X-Priority', '5', '6'],
    ['X-Start', '1', '1'],
  ])('%s given twice is refused', async (name, one, other) => {
    const headers: [string, string][] = [
      [name, one],
      [name, other],
    ];
    expect((await stack().request(path, { headers })).status).toBe(400);
  });

  test('the more urgent goes first, at equal urgency the earlier', async () => {
    const submits = [
      ['last', '10'],
      ['default', null],
      ['also-default', '5'],
      ['first', '1'],
    ] as const;
    for (const [name, priority] of submits) {
      await stack().submit(`/when/${name}`, { headers: priority === null ? {} : { 'X-Priority': priority } });
    }
    startWorker();
    const order = (): string[] =>
      stack()
        .upstream.requests.map((call) => call.path)
        .filter((called) => called.startsWith('/when/'));
    await until('all of them', () => order().length === submits.length);

    expect(order()).toEqual(['/when/first', '/when/default', '/when/also-default', '/when/last']);
  });

  test.each([
    ['in seconds', () => '1', 1000],
    ['as a date', () => new Date(Date.now() + 1500).toISOString(), 1500],
  ])('a start time %s is waited for', async (form, start, afterMs) => {
    const timed = `/when/${form.replaceAll(' ', '-')}`;
    let calledAt = 0;
    stack().upstream.script(timed, (exchange) => {
      calledAt = Date.now();
      return reply()(exchange);
    });
    startWorker();
    const submittedAt = Date.now();
    const { id } = await stack().submit(timed, { headers: { 'X-Start': start() } });
    await stack().settled(timed, id);

    expect(calledAt - submittedAt).toBeGreaterThanOrEqual(afterMs);
  });

  test('a start time that is past is not waited for', async () => {
    const timed = '/when/past';
    startWorker();
    const { id } = await stack().submit(timed, { headers: { 'X-Start': '2020-01-01T00:00:00+01:00' } });

    expect((await stack().settled(timed, id)).status).toBe(200);
  });
});

test('a caller with 300 jobs does not starve another with 5', async () => {
  for (let from = 0; from < 300; from += 50) {
    await Promise.all(Array.from({ length: 50 }, () => stack().submit('/fair/many', { headers: ALICE })));
  }
  const few = await Promise.all(
    Array.from({ length: 5 }, () => stack().submit('/fair/few', { headers: BOB })),
  );
  startWorker();
  await stack().upstream.called('/fair/few', few.length);

  const order = stack()
    .upstream.requests.map(({ path }) => path)
    .filter((path) => path.startsWith('/fair/'));
  // Turn by turn: each of the five has one of the other's before it, and what five calls at once let past.
  expect(order.lastIndexOf('/fair/few')).toBeLessThan(20);
  await until('the rest', () => stack().upstream.callsTo('/fair/many').length === 300);
});
