// Redis down, stopped, killed or full: 503 in time, nothing hangs, and all is well again without a restart.
import type { HttpResponse } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { strangeJobId } from '../helpers/job-ids';
import { byLane, IS_HANDOFF_LANE } from '../helpers/lane';
import { Latch } from '../helpers/latch';
import type { Stack } from '../helpers/stack';
import { problemOf } from '../helpers/problem';
import { until } from '../helpers/until';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const READ_TIMEOUT_MS = 1000;

const shared = {
  retry: { attempts: 1 },
  redis: { connect_timeout: READ_TIMEOUT_MS, read_timeout: READ_TIMEOUT_MS },
};
/** What was handed off is not Kong's to proxy any more. */
const PROXY_MEANS = byLane(
  'lets submits through to the upstream as without the plugin',
  'means 503 for a submit that was handed off',
);
/** Routes that have not been called before: each has a queue of its own. */
const FRESH = ['fresh-1', 'fresh-2', 'fresh-3', 'fresh-4'];
const routes = [
  ...FRESH.map((name) => ({ name })),
  { name: 'jobs' },
  { name: 'single', config: { queue: { concurrency: 1 } } },
  { name: 'proxy', isFailClosed: false, config: { on_store_failure: 'proxy' as const } },
];
const env = { ARR_REDIS_CONNECT_TIMEOUT: '1000', ARR_REDIS_READ_TIMEOUT: '1000' };

interface Fault {
  fault: string;
  begin: (stack: Stack) => Promise<unknown>;
  end: (stack: Stack) => Promise<unknown>;
}

const stopped: Fault = {
  fault: 'stopped',
  begin: ({ redis }) => Promise.resolve(redis.freeze()),
  end: ({ redis }) => Promise.resolve(redis.thaw()),
};
const killed: Fault = {
  fault: 'killed',
  begin: ({ redis }) => redis.kill('SIGKILL'),
  end: ({ redis }) => redis.start(),
};
const full: Fault = {
  fault: 'full',
  begin: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', 1),
  end: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', 0),
};

async function withFault<T>(stack: Stack, { begin, end }: Fault, during: () => Promise<T>): Promise<T> {
  await begin(stack);
  try {
    return await during();
  } finally {
    await end(stack);
  }
}

/** Submits again and again until one is accepted, and waits for its end. */
async function recovered(stack: Stack, route = '/jobs'): Promise<void> {
  const path = `${route}/recovered`;
  const accepted = await until('a submit to be accepted', async () => {
    const response = await stack.request(path, { method: 'POST', body: 'a' });
    return response.status === 202 ? response : null;
  });
  expect((await stack.settled(path, accepted.header(ID_HEADER) ?? '')).status).toBe(200);
}

function expectUnavailable(response: HttpResponse): void {
  expect(response.status).toBe(503);
  expect(response.header('Content-Type')).toBe('application/problem+json');
  expect(response.header('Retry-After')).toMatch(/^[1-9]\d*$/);
  expect(response.header('Cache-Control')).toBe('no-store');
  // Nothing of what stands behind us.
  expect(response.text).not.toMatch(/redis|127\.0\.0\.1|ECONN|OOM|ioredis/i);
}

/** Fifty POSTs at once. */
function submitMany(stack: Stack, path: string): Promise<HttpResponse[]> {
  const options = { method: 'POST', body: 'a' };
  return Promise.all(Array.from({ length: 50 }, () => stack.request(path, options)));
}

/** Where a 503 carries an ID, that is the ID of a job that will not run. */
async function expectNeverRun(stack: Stack, path: string, responses: readonly HttpResponse[]): Promise<void> {
  for (const id of responses.flatMap((response) => response.header(ID_HEADER) ?? [])) {
    expect([404, 410]).toContain((await stack.poll(path, id)).status);
  }
  expect(stack.upstream.callsTo(path)).toHaveLength(0);
}

describe('a Redis that has never been available', () => {
  const stack = useStack({ shared, routes, env, redis: { isStarted: false } });

  test('submits and polls return 503, and succeed once Redis is available', async () => {
    const { redis, gateway, upstream } = stack();
    const pids = await gateway.pluginServerPids();

    expectUnavailable(await stack().request('/jobs/never', { method: 'POST', body: 'a' }));
    expectUnavailable(await stack().poll('/jobs/never', strangeJobId()));
    expectUnavailable(await stack().request(`/jobs/never?async-id=${strangeJobId()}`));
    await redis.start();
    await recovered(stack());

    expect(await gateway.pluginServerPids()).toEqual(pids);
    expect(upstream.callsTo('/jobs/never')).toEqual([]);
  });
});

describe('Redis that was stopped before the first request', () => {
  const stack = useStack({ shared, routes, env });

  test('submits return 503, and rejected jobs do not run when Redis continues', async () => {
    const path = '/single/refused';

    const responses = await withFault(stack(), stopped, () => submitMany(stack(), path));
    await recovered(stack(), '/single');

    responses.forEach(expectUnavailable);
    await expectNeverRun(stack(), path, responses);
  });
});

describe('Redis that fails', () => {
  const stack = useStack({ shared, routes, env });
  beforeAll(() => recovered(stack()));
  /** Paths of submits that were answered with 503: the upstream must never see them. */
  const refused: string[] = [];

  describe.each([stopped, killed, full])('when $fault', (fault) => {
    test('submits return 503 with Retry-After in time while Redis fails, also concurrent ones', async () => {
      const path = `/jobs/refused-${fault.fault}`;
      refused.push(path);

      const responses = await withFault(stack(), fault, () => submitMany(stack(), path));

      responses.forEach(expectUnavailable);
      await recovered(stack());
      await expectNeverRun(stack(), path, responses);
    });

    test('the plugin recovers without a restart', async () => {
      const pids = await stack().gateway.pluginServerPids();

      await withFault(stack(), fault, () => stack().request('/jobs/restart'));
      await recovered(stack());

      expect(await stack().gateway.pluginServerPids()).toEqual(pids);
    });

    test('loses no job that was queued or running, and settles what ended meanwhile', async () => {
      const path = `/single/kept-${fault.fault}`;
      const latch = new Latch();
      stack().upstream.script(path, heldBy(latch, reply({ body: 'kept' })));
      const submits = await Promise.all(Array.from({ length: 5 }, () => stack().submit(path)));
      await stack().upstream.called(path);

      await withFault(stack(), fault, async () => {
        latch.open();
        await until('the call to be over', () => stack().upstream.answersPending === 0);
      });
      await recovered(stack());

      for (const { id } of submits) {
        const response = await stack().settled(path, id);
        expect([response.status, response.text]).toEqual([200, 'kept']);
      }
    });

    test(`on_store_failure: proxy ${PROXY_MEANS}`, async () => {
      const path = `/proxy/${fault.fault}`;
      stack().upstream.script(path, reply({ status: 203, body: 'at once' }));

      const response = await withFault(stack(), fault, () =>
        stack().request(path, { method: 'POST', body: 'a' }),
      );

      if (IS_HANDOFF_LANE) {
        expectUnavailable(response);
      } else {
        expect([response.status, response.text]).toEqual([203, 'at once']);
        expect(response.header(ID_HEADER)).toBeUndefined();
      }
      const calls = stack().upstream.callsTo(path);
      expect(calls.map(({ jobId }) => jobId)).toEqual(byLane([undefined], []));
      await recovered(stack());
    });
  });

  describe.each([stopped, killed])('when $fault', (fault) => {
    test.each(['/jobs', '/proxy'])('polls of %s return 503 and never reach the upstream', async (route) => {
      const path = `${route}/polled-${fault.fault}`;
      const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
      await stack().settled(path, id);

      const polls = await withFault(stack(), fault, () =>
        Promise.all([
          stack().poll(path, id),
          stack().poll(path, id, { method: 'POST', body: 'a' }),
          stack().request(`${path}?async-id=${id}`),
          stack().request(`${path}?async-id=${id}&async-view=result`),
        ]),
      );

      polls.forEach(expectUnavailable);
      expect(stack().upstream.callsTo(path)).toHaveLength(1);
      await recovered(stack(), route);
      expect((await stack().poll(path, id)).status).toBe(200);
    });
  });

  test.each(FRESH)('workers take a queue that is registered after a kill: %s', async (route) => {
    await withFault(stack(), killed, () => Promise.resolve());

    await recovered(stack(), `/${route}`);
  });

  test('polls still work while Redis is full', async () => {
    const { id } = await stack().submit('/jobs/readable', { method: 'POST', body: 'a' });
    await stack().settled('/jobs/readable', id);

    const poll = await withFault(stack(), full, () => stack().poll('/jobs/readable', id));

    expect(poll.status).toBe(200);
    await recovered(stack());
  });

  test('a Redis that stops during submits: jobs with a 202 run once, and no job runs whose 202 was not sent', async () => {
    const { upstream, redis } = stack();
    const path = '/single/midst';
    /** Job IDs by the bodies that were accepted. */
    const accepted = new Map<string, string>();
    const refusals: HttpResponse[] = [];
    const enough = new Latch();
    let next = 0;
    const goOnUntilRefused = async (): Promise<void> => {
      for (;;) {
        const body = String(next++);
        const response = await stack().request(path, { method: 'POST', body });
        if (response.status !== 202) return void refusals.push(response);
        accepted.set(body, response.header(ID_HEADER) ?? '');
        if (accepted.size > 40) enough.open();
      }
    };
    const clients = Promise.all(Array.from({ length: 20 }, goOnUntilRefused));
    await Promise.race([enough.opened, clients]);
    redis.freeze();
    await clients.finally(() => redis.thaw());
    // The queue keeps its order: what was let in behind our back would run before this one.
    await recovered(stack(), '/single');

    refusals.forEach(expectUnavailable);
    for (const id of accepted.values()) await stack().settled(path, id);
    // Redis may have made a job whose answer it could not send any more: the 503 has its ID, and it is taken back if it
    // has not run by then.
    const refusedIds = refusals.flatMap((response) => response.header(ID_HEADER) ?? []);
    const ran = upstream.callsTo(path).map(({ jobId }) => String(jobId));
    expect(new Set(ran).size).toBe(ran.length);
    expect(ran).toEqual(expect.arrayContaining([...accepted.values()]));
    expect(ran.filter((id) => ![...accepted.values(), ...refusedIds].includes(id))).toEqual([]);
    for (const id of refusedIds.filter((one) => !ran.includes(one))) {
      expect([404, 410]).toContain((await stack().poll(path, id)).status);
    }
  });

  test('a rejected job never runs later', () => {
    expect(refused.length).toBeGreaterThan(0);
    const paths = stack().upstream.requests.map(({ path }) => path);
    expect(paths.filter((path) => refused.includes(path))).toEqual([]);
  });
});

describe('a response of which Redis loses a part while it arrives', () => {
  const stack = useStack({ shared, routes, env });
  const body = Buffer.alloc(600 * 1024, 'a');
  /** More than one chunk (256 KiB, payloads/payload.ts), so that Redis has a part when the rest arrives. */
  const firstPart = 400 * 1024;

  test('fails the attempt, and the problem says that the job store lost it', async () => {
    const path = '/jobs/part-lost';
    const { redis, upstream } = stack();
    upstream.script(path, async ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body.subarray(0, firstPart));
      const key = await until('a part to be stored', async () => {
        const keys = await redis.keys();
        return keys.find((name) => name.includes(':res:')) ?? null;
      });
      await redis.command('DEL', key);
      socket.write(body.subarray(firstPart));
    });

    const { id } = await stack().submit(path);
    const response = await stack().settled(path, id);

    expect(problemOf(response)).toEqual([502, 'upstream-failed']);
    expect(response.json()['detail']).toContain('lost in the job store');
    expect(response.header('Proxy-Status')).toContain('proxy_internal_error');
    expect(upstream.callsTo(path)).toHaveLength(1);
  });
});
