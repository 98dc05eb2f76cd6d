// A Redis that no configuration names any more is let go of, with all that was opened for it and after what uses it; Kong says
// of few instances that they are over.
import { freePort } from '../helpers/gateway/free-port';
import { HttpClient, type HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { startStack, type Stack } from '../helpers/stack';
import { TcpProxy } from '../helpers/tcp-proxy';
import { until } from '../helpers/until';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';
import { nothingIsLeft } from '../helpers/use-stack';

const DRAINING = 'no instance uses this Redis any more';
/** Enough that each of two workers of the gateway gets one. */
const CROWD = 40;

let stack: Stack;
let health: HttpClient;
let proxy: TcpProxy;
let nobodyPort: number;

useResources(async (resources) => {
  const port = await freePort();
  nobodyPort = await freePort();
  const starting = startStack({
    shared: { redis: { connect_timeout: 500 } },
    routes: [{ name: 'jobs' }],
    workers: 2,
    env: { ARR_HEALTH_LISTEN: String(port) },
  });
  stack = await resources.use(starting, (started) => started.close());
  proxy = await resources.use(TcpProxy.start(stack.redis.port), (started) => started.close());
  health = new HttpClient(port);
});

afterEach(() => nothingIsLeft(stack));

const ready = (status: number): Promise<HttpResponse> =>
  until(`/ready to answer ${status}`, async () => {
    const response = await health.request('/ready');
    return response.status === status ? response : undefined;
  });

/** The Redis of the one route. */
const useRedis = (port: number): Promise<void> =>
  stack.applyRoutes([{ name: 'jobs', config: { redis: { port } } }]);

const timesLogged = async (text: string): Promise<number> =>
  (await stack.gateway.log()).split(text).length - 1;

/** Waits for one more line than there are now. */
async function loggedAgain(text: string, act: () => Promise<unknown>): Promise<void> {
  const before = await timesLogged(text);
  await act();
  await until(`"${text}" in the log`, async () => (await timesLogged(text)) > before);
}

test('a Redis that was never available is released once the configuration is corrected, by both workers of Kong', async () => {
  await stack.roundTrip('/jobs/before');
  await useRedis(nobodyPort);
  const answers = await Promise.all(Array.from({ length: CROWD }, () => stack.request('/jobs/wrong')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect((await ready(503)).json()['reasons']).toContain(`Redis does not answer: 127.0.0.1:${nobodyPort}`);

  await loggedAgain(DRAINING, async () => {
    await useRedis(stack.redis.port);
    await stack.roundTrip('/jobs/right');
    expect((await ready(200)).json()).toEqual({ ready: true, reasons: [] });
  });
  expect((await stack.roundTrip('/jobs/after')).status).toBe(200);
  await until(
    'its worker thread to end',
    async () => (await timesLogged('worker threads for this Redis have ended')) > 0,
  );
});

test('every connection to a Redis that is no longer named is closed, and the one in its place works', async () => {
  await useRedis(proxy.port);
  await stack.roundTrip('/jobs/by-proxy');
  expect(proxy.isConnected).toBe(true);

  await useRedis(stack.redis.port);
  await stack.roundTrip('/jobs/direct');
  await until('every connection to be closed', () => !proxy.isConnected);
  expect((await stack.roundTrip('/jobs/direct')).status).toBe(200);
});

test('a waiting poll returns when its job settles, and only then its Redis is released', async () => {
  const path = '/jobs/held';
  await useRedis(proxy.port);
  const latch = new Latch();
  stack.upstream.script(path, heldBy(latch, reply({ body: 'in time' })));
  const { id } = await stack.submit(path);
  await stack.upstream.called(path);
  const poll = stack.request(path, { headers: { 'X-Async-Kong-Id': id, Prefer: 'wait=50' } });
  await until('the poll to be held', async () => {
    const channels = (await stack.redis.command('PUBSUB', 'SHARDCHANNELS')) as string[];
    return channels.length === 1;
  });
  await useRedis(stack.redis.port);
  await stack.submit('/jobs/other');
  latch.open();

  expect([(await poll).status, (await poll).text]).toEqual([200, 'in time']);
  expect(stack.upstream.callsOf(id).map(({ wasAbandoned }) => wasAbandoned)).toEqual([false]);
  await until('every connection to be closed', () => !proxy.isConnected);
});

test('a running call is not interrupted when its worker thread is stopped', async () => {
  const path = '/jobs/running';
  await useRedis(proxy.port);
  const latch = new Latch();
  stack.upstream.script(path, heldBy(latch, reply({ body: 'whole' })));
  const { id } = await stack.submit(path);
  await stack.upstream.called(path);
  await loggedAgain(DRAINING, async () => {
    await useRedis(stack.redis.port);
    await stack.roundTrip('/jobs/other');
  });
  latch.open();

  expect((await stack.settled(path, id)).text).toBe('whole');
  expect(stack.upstream.callsOf(id).map(({ wasAbandoned }) => wasAbandoned)).toEqual([false]);
});
