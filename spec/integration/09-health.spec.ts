// ARR_HEALTH_LISTEN: plugin server and worker say whether they are alive and ready, and why not.
import { freePort } from '../helpers/gateway/free-port';
import { HttpClient, type HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { startStack, type Stack } from '../helpers/stack';
import { until } from '../helpers/until';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';
import { nothingIsLeft } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

let stack: Stack;
let health: HttpClient;

useResources(async (resources) => {
  const port = await freePort();
  const starting = startStack({
    shared: { redis: { connect_timeout: 500, read_timeout: 500 } },
    routes: [{ name: 'jobs' }],
    env: { ARR_HEALTH_LISTEN: `127.0.0.1:${port}`, ARR_WORKER_THREADS: '0' },
  });
  stack = await resources.use(starting, (started) => started.close());
  health = new HttpClient(port);
});

afterEach(() => nothingIsLeft(stack));

const startWorker = useWorkers(() => stack);

/** Asks until there is an answer with this status: a process may just be starting. */
const answers = (client: HttpClient, status: number): Promise<HttpResponse> =>
  until(`/ready to answer ${status}`, async () => {
    const response = await client.request('/ready').catch(() => undefined);
    return response?.status === status ? response : undefined;
  });

const redisReason = (): string => `Redis does not answer: 127.0.0.1:${stack.redis.port}`;

test('the plugin server is alive and ready', async () => {
  await stack.submit('/jobs/first');
  const [live, ready] = [await health.request('/live'), await health.request('/ready')];

  expect([live.status, live.json()]).toEqual([200, { live: true }]);
  expect([ready.status, ready.json()]).toEqual([200, { ready: true, reasons: [] }]);
  expect(ready.header('Cache-Control')).toBe('no-store');
});

test.each<[string, string, number]>([
  ['GET', '/', 404],
  ['GET', '/liveness', 404],
  ['POST', '/live', 405],
  ['DELETE', '/ready', 405],
  ['HEAD', '/live', 200],
  ['GET', '/ready?verbose', 200],
])('%s %s is %d', async (method, target, status) => {
  expect((await health.request(target, { method })).status).toBe(status);
});

test('a Redis that is stopped makes the plugin server unready with that reason, not dead, and comes back', async () => {
  stack.redis.freeze();
  try {
    expect((await answers(health, 503)).json()).toEqual({ ready: false, reasons: [redisReason()] });
    expect((await health.request('/live')).status).toBe(200);
  } finally {
    stack.redis.thaw();
  }
  expect((await answers(health, 200)).json()['ready']).toBe(true);
});

test('after a reload the new plugin server answers at the same address', async () => {
  const before = await stack.gateway.pluginServerPids();
  await stack.gateway.reload();
  await until('the old one to be gone', async () => {
    const now = await stack.gateway.pluginServerPids();
    return now.length > 0 && !now.some((pid) => before.includes(pid));
  });

  expect((await answers(health, 200)).json()['ready']).toBe(true);
});

describe('a worker', () => {
  test('is ready, and unready while it drains', async () => {
    const port = await freePort();
    const client = new HttpClient(port);
    const latch = new Latch();
    stack.upstream.script('/jobs/held', heldBy(latch, reply({ body: 'done' })));
    const worker = startWorker({ ARR_HEALTH_LISTEN: String(port) });
    expect((await answers(client, 200)).json()).toEqual({ ready: true, reasons: [] });
    const { id } = await stack.submit('/jobs/held');
    await stack.upstream.called('/jobs/held');
    const stopping = worker.stop();

    expect((await answers(client, 503)).json()).toEqual({ ready: false, reasons: ['draining'] });
    expect((await client.request('/live')).status).toBe(200);
    latch.open();
    await stopping;
    expect((await stack.settled('/jobs/held', id)).text).toBe('done');
  });

  test('says that its Redis does not answer', async () => {
    const port = await freePort();
    const client = new HttpClient(port);
    startWorker({ ARR_HEALTH_LISTEN: `[::ffff:127.0.0.1]:${port}`, ARR_REDIS_READ_TIMEOUT: '300' });
    await answers(client, 200);
    stack.redis.freeze();
    try {
      expect((await answers(client, 503)).json()).toEqual({ ready: false, reasons: [redisReason()] });
    } finally {
      stack.redis.thaw();
    }
    expect((await answers(client, 200)).json()['reasons']).toEqual([]);
  });
});
