// When a queue stands still: an upstream that asks for a pause holds it for a bounded time that a client is told of and an
// administrator can see and end; an upstream that is away costs no job its attempts.
import type { HttpResponse } from '../helpers/http-client';
import { runAdmin, type CommandResult } from '../helpers/admin-command';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { TcpProxy } from '../helpers/tcp-proxy';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

/** 31 years. */
const FOR_EVER = '999999999';
const RETRY_AFTER_SECONDS = 2;
const MAX_HOLD_SECONDS = 200;
const DEADLINE_SECONDS = 100;

const queue = (name: string) => ({ name, max_pause_seconds: MAX_HOLD_SECONDS });

const stack = useStack({
  shared: { retry_after_seconds: RETRY_AFTER_SECONDS, retry: { backoff_ms: 1 } },
  routes: [
    ...['held-429', 'held-503', 'polled', 'seen', 'not-processed'].map((name) => ({
      name,
      config: { queue: queue(name) },
    })),
    { name: 'beside', config: { queue: { ...queue('beside'), concurrency: 2 } } },
    { name: 'short', config: { queue: queue('short'), deadline_seconds: DEADLINE_SECONDS } },
    { name: 'never', config: { queue: { name: 'never', max_pause_seconds: 0 } } },
    {
      name: 'broken',
      config: {
        queue: { name: 'broken' },
        breaker: { failures: 1, open_seconds: 3600 },
        retry: { attempts: 1 },
      },
    },
  ],
});

const admin = (...args: string[]): Promise<CommandResult> => {
  const { redis, keyPrefix } = stack();
  return runAdmin([...args, '--redis-port', String(redis.port), '--key-prefix', keyPrefix], {});
};

interface QueueFacts {
  queue: string;
  auto_pause?: { reason: string; until: number };
}

const factsOf = async (name: string): Promise<QueueFacts | undefined> => {
  const { queues } = JSON.parse((await admin('queues', '--json')).stdout) as { queues: QueueFacts[] };
  return queues.find(({ queue }) => queue === name);
};

/** Runs one job whose response pauses the queue of the route. */
async function hold(route: string, status: number, retryAfter: string): Promise<HttpResponse> {
  const path = `/${route}/first`;
  stack().upstream.script(path, reply({ status, headers: { 'Retry-After': retryAfter } }));
  return stack().roundTrip(path);
}

const retryAfterOf = (response: HttpResponse): number => Number(response.header('Retry-After'));

describe.each([429, 503])('a %i whose Retry-After is 31 years', (status) => {
  const route = `held-${String(status)}`;

  test('is the result of its job, and pauses the queue for max_pause_seconds', async () => {
    const { status: got } = await hold(route, status, FOR_EVER);
    const facts = await factsOf(route);
    const leftMs = (facts?.auto_pause?.until ?? 0) - Date.now();

    expect([got, facts?.auto_pause?.reason]).toEqual([status, 'retry-after']);
    expect(leftMs).toBeLessThanOrEqual(MAX_HOLD_SECONDS * 1000);
    expect(leftMs).toBeGreaterThan((MAX_HOLD_SECONDS * 1000) / 2);
  });
});

test('the 202 of a submit and of its polls state that the queue is paused', async () => {
  await hold('polled', 429, FOR_EVER);
  const { id, response } = await stack().submit('/polled/next');
  const poll = await stack().poll('/polled/next', id);

  for (const answer of [response, poll]) {
    expect(answer.status).toBe(202);
    expect(retryAfterOf(answer)).toBeGreaterThan(RETRY_AFTER_SECONDS);
    expect(retryAfterOf(answer)).toBeLessThanOrEqual(MAX_HOLD_SECONDS);
  }
  expect(stack().upstream.callsOf(id)).toEqual([]);
});

test('an administrator sees a pause, is warned of it, and ends it', async () => {
  await hold('seen', 503, FOR_EVER);
  const { id } = await stack().submit('/seen/next');
  const table = (await admin('queues')).stdout;
  const doctor = await admin('doctor');

  expect(table).toMatch(/^seen .* \d+ s \(retry-after\) /m);
  expect(doctor.stdout).toMatch(/Queue seen is paused for another \d+ s .*async-request-reply resume seen/);
  expect((await admin('resume', 'seen')).code).toBe(0);
  expect((await stack().settled('/seen/next', id)).status).toBe(200);
  expect((await factsOf('seen'))?.auto_pause).toBeUndefined();
});

test('jobs start beside running ones once a pause is ended', async () => {
  const end = new Latch();
  stack().upstream.script('/beside/running', heldBy(end, reply()));
  const running = await stack().submit('/beside/running');
  await until('the upstream to be called', () => stack().upstream.callsOf(running.id).length === 1);
  await hold('beside', 429, FOR_EVER);
  const { id } = await stack().submit('/beside/next');
  await admin('resume', 'beside');

  expect((await stack().settled('/beside/next', id)).status).toBe(200);
  end.open();
  expect((await stack().settled('/beside/running', running.id)).status).toBe(200);
});

test('a queue is paused no longer than the deadline of the job whose response paused it', async () => {
  await hold('short', 429, FOR_EVER);

  expect(((await factsOf('short'))?.auto_pause?.until ?? 0) - Date.now()).toBeLessThanOrEqual(
    DEADLINE_SECONDS * 1000,
  );
});

test('with max_pause_seconds 0 no queue is paused', async () => {
  await hold('never', 429, FOR_EVER);

  expect((await factsOf('never'))?.auto_pause).toBeUndefined();
  expect((await stack().roundTrip('/never/next')).status).toBe(200);
});

test('resuming a queue closes its breaker', async () => {
  stack().upstream.script('/broken/first', reply({ status: 500 }));
  await stack().roundTrip('/broken/first');
  const { id } = await stack().submit('/broken/next');
  const before = await factsOf('broken');
  await admin('resume', 'broken');

  expect(before).toMatchObject({ auto_pause: { reason: 'breaker' }, breaker: 'open' });
  expect((await stack().settled('/broken/next', id)).status).toBe(200);
});

describe('an upstream that is away', () => {
  const JOBS = 40;
  let wire: TcpProxy;

  afterEach(() => wire.close());

  /** Submits POSTs while the upstream does not listen. */
  async function submitAll(name: string, config: object): Promise<string[]> {
    wire = await TcpProxy.reserve(stack().upstream.port);
    await stack().applyRoutes([
      { name, serviceUrl: `http://127.0.0.1:${String(wire.port)}`, config: { queue: { name }, ...config } },
    ]);
    const submitted = await Promise.all(
      Array.from({ length: JOBS }, () => stack().submit(`/${name}/x`, { method: 'POST', body: 'once' })),
    );
    return submitted.map(({ id }) => id);
  }

  const status = async (name: string, id: string): Promise<Record<string, unknown>> =>
    (await stack().request(`/${name}/x?async-id=${id}`)).json();

  test('a refused connection does not count as an attempt', async () => {
    const ids = await submitAll('away', { retry: { backoff_ms: 100 } });
    // Three is what the defaults give those that reach it.
    await until('every job to have been tried four times', async () => {
      const all = await Promise.all(ids.map((id) => status('away', id)));
      return all.every(({ attempts }) => Number(attempts) >= 4);
    });
    await wire.open();
    const ends = await Promise.all(ids.map((id) => stack().settled('/away/x', id)));

    expect(ends.map((end) => end.status)).toEqual(ids.map(() => 200));
    expect(ids.map((id) => stack().upstream.callsOf(id).length)).toEqual(ids.map(() => 1));
  });

  test('a job fails when connect_attempts are used up', async () => {
    const [id = ''] = await submitAll('gone', { retry: { connect_attempts: 2 } });
    const end = await stack().settled('/gone/x', id);

    expect([end.status, end.header('Proxy-Status')]).toEqual([
      502,
      expect.stringContaining('connection_refused'),
    ]);
    expect(await status('gone', id)).toMatchObject({ state: 'failed', attempts: 2 });
  });
});
