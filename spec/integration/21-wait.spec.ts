// docs/http.md, "Prefer": responses that wait until the job settles.
import { ID_HEADER } from '../helpers/id-header';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
import { until } from '../helpers/until';
import { hangUp, heldBy, reply, silence } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

/** As long as can be. */
const LONG = { Prefer: 'wait=50' };
const BRIEF_MS = 100;

const stack = useStack({
  shared: { retry: { attempts: 1 }, wait: { max_ms: 50_000 } },
  routes: [
    { name: 'wait' },
    { name: 'default', config: { wait: { default_ms: 50_000 } } },
    { name: 'brief', config: { wait: { max_ms: BRIEF_MS } } },
    { name: 'error', config: { wait: { default_ms: BRIEF_MS, on_timeout: 'error' } } },
    { name: 'narrow-error', config: { queue: { concurrency: 1 }, wait: { on_timeout: 'error' } } },
    { name: 'none', config: { wait: { max_waiting: 0, default_ms: 50_000 } } },
    { name: 'blocking', config: { queue: { name: 'narrow', concurrency: 1 } } },
    { name: 'expiring', config: { queue: { name: 'narrow', concurrency: 1 }, deadline_seconds: 1 } },
    { name: 'later', config: { retry: { attempts: 2, backoff_ms: 60_000 } } },
  ],
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

const channels = async (): Promise<string[]> =>
  (await stack().redis.command('PUBSUB', 'SHARDCHANNELS')) as string[];

/** Waits until that many jobs are waited for. */
const held = (count: number): Promise<unknown> =>
  until(`${count} subscriptions`, async () => (await channels()).length === count);

/** Sends a request that waits, and returns it with the job's ID, which only the upstream knows so far. */
async function submitHeld(path: string, headers: Record<string, string> = LONG) {
  const answer = stack().request(path, { method: 'POST', body: 'a', headers });
  const [call] = await stack().upstream.called(path);
  await held(1);
  return { answer, id: call?.jobId ?? '' };
}

describe('a submit that waits', () => {
  test("a submit that waits returns the upstream's response as soon as the job settles, with X-Async-Kong-Id", async () => {
    const path = '/wait/in-time';
    const latch = new Latch();
    const headers = { 'Content-Type': 'text/csv', 'Cache-Control': 'public, max-age=60', ETag: '"1"' };
    stack().upstream.script(path, heldBy(latch, reply({ status: 201, headers, body: 'a;b' })));
    startWorker();
    const { answer, id } = await submitHeld(path);
    latch.open();
    const response = await answer;

    expect([response.status, response.text]).toEqual([201, 'a;b']);
    expect(response.header(ID_HEADER)).toBe(id);
    expect(response.header('ETag')).toBe('"1"');
    expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
    expect(response.header('Cache-Control')).toBe('private, max-age=60');
    expect((await stack().poll(path, id)).text).toBe('a;b');
    await held(0);
  });

  test('a submit that waits returns the problem as soon as the job fails', async () => {
    const path = '/wait/fails';
    stack().upstream.script(path, hangUp());
    startWorker();
    const response = await stack().request(path, { headers: LONG });

    expect(problemOf(response)).toEqual([502, 'upstream-failed']);
    expect(response.header('Proxy-Status')).toBe('async-request-reply; error=connection_terminated');
    expect(response.header(ID_HEADER)).toBe(stack().upstream.callsTo(path)[0]?.jobId);
  });

  test('a submit that waits returns as soon as the job is cancelled', async () => {
    const path = '/wait/cancelled';
    stack().upstream.script(path, silence());
    startWorker();
    const { answer, id } = await submitHeld(path);
    const cancel = await stack().poll(path, id, { method: 'DELETE' });

    expect(cancel.status).toBe(202);
    expect(problemOf(await answer)).toEqual([410, 'cancelled']);
  });

  test('the default wait of the route applies if the client names none', async () => {
    const path = '/default/x';
    startWorker();
    const response = await stack().request(path);
    const asked = await stack().request(path, {
      headers: { Prefer: 'respond-async' },
    });

    expect([response.status, asked.status]).toEqual([200, 200]);
    expect(response.header('Preference-Applied')).toBeUndefined();
  });

  test('wait=0 returns 202 at once, whatever the default of the route', async () => {
    const { id, response } = await stack().submit('/default/none', { headers: { Prefer: 'wait=0' } });

    expect(response.json()).toMatchObject({ id, state: 'queued' });
    expect(await channels()).toEqual([]);
  });

  test('a submit whose wait ends before the job settles returns 202 with the state, Location and Retry-After', async () => {
    const path = '/brief/running';
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply()));
    startWorker();
    const running = await stack().submit(path, { headers: { Prefer: 'wait=0' } });
    await stack().upstream.called(path);
    const { id, response } = await stack().submit(path, { headers: { Prefer: 'respond-async, wait=7' } });

    expect(response.header('Location')).toBe(`${path}?async-id=${id}`);
    expect(response.header('Retry-After')).toMatch(/^[1-9]\d*$/);
    // The route granted less than the client preferred.
    expect(response.header('Preference-Applied')).toBe('respond-async');
    expect(['queued', 'running']).toContain(response.json()['state']);
    await held(0);
    latch.open();
    await stack().settled(path, running.id);
    await stack().settled(path, id);
  });

  test('Preference-Applied states the wait if it was granted in full', async () => {
    const { response } = await stack().submit('/wait/whole', {
      headers: { Prefer: 'wait=1, respond-async' },
    });

    expect(response.header('Preference-Applied')).toBe('respond-async, wait=1');
  });

  test('requests beyond wait.max_waiting return 202 at once', async () => {
    const { response } = await stack().submit('/none/x', { headers: { Prefer: 'wait=50' } });

    expect(response.header('Preference-Applied')).toBeUndefined();
    expect(await channels()).toEqual([]);
  });
});

describe('wait.on_timeout: error', () => {
  test('wait.on_timeout: error returns 504 when the wait ends, and cancels the running job', async () => {
    const path = '/error/running';
    stack().upstream.script(path, silence());
    startWorker();
    // The first may be over before the worker has come to it: the job that runs is the one that counts.
    const call = await until('a job that ran', async () => {
      const response = await stack().request(path, { method: 'POST', body: 'a' });
      expect(problemOf(response)).toEqual([504, 'wait-timeout']);
      expect(response.header('Proxy-Status')).toBe('async-request-reply; error=http_response_timeout');
      expect(response.header('Cache-Control')).toBe('no-store');
      return stack().upstream.callsOf(response.header(ID_HEADER) ?? '')[0];
    });

    await until('the upstream to see the connection close', () => call.wasAbandoned);
    expect(problemOf(await stack().settled(path, call.jobId ?? ''))).toEqual([410, 'cancelled']);
  });

  test('wait.on_timeout: error cancels a queued job, which then never runs', async () => {
    const path = '/error/waiting';
    const response = await stack().request(path, { method: 'POST', body: 'a' });
    const id = response.header(ID_HEADER) ?? '';

    expect(problemOf(response)).toEqual([504, 'wait-timeout']);
    expect(problemOf(await stack().poll(path, id))).toEqual([410, 'cancelled']);
    startWorker();
    await until('another job to run', async () => (await stack().request(path)).status === 200);
    expect(stack().upstream.callsOf(id)).toEqual([]);
  });

  test('wait.on_timeout: error returns the result if the job settles in time', async () => {
    startWorker();
    const response = await stack().request('/narrow-error/x', { headers: LONG });

    expect(response.status).toBe(200);
  });
});

describe('a poll that waits', () => {
  test.each([
    ['header poll', (id: string) => ({ target: '', headers: { [ID_HEADER]: id } }), 200],
    ['status URL', (id: string) => ({ target: `?async-id=${id}`, headers: {} }), 303],
    ['result URL', (id: string) => ({ target: `?async-id=${id}&async-view=result`, headers: {} }), 200],
  ])('a poll of the %s waits until the job settles', async (name, poll, status) => {
    const path = `/wait/poll-${name.replaceAll(' ', '-')}`;
    const { id } = await stack().submit(path);
    const { target, headers } = poll(id);
    const answers = Array.from({ length: 10 }, () =>
      stack().request(path + target, { headers: { ...headers, ...LONG } }),
    );
    await held(1);
    startWorker();

    expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual(Array(10).fill(status));
  });

  test('a poll returns the state of the job when its wait ends', async () => {
    const path = '/wait/pending';
    const { id } = await stack().submit(path);
    const poll = await stack().request(path, { headers: { [ID_HEADER]: id, Prefer: 'wait=1' } });
    const status = await stack().request(`${path}?async-id=${id}`, { headers: { Prefer: 'wait=1' } });

    expect([poll.status, poll.json()['state'], poll.header('Preference-Applied')]).toEqual([
      202,
      'queued',
      'wait=1',
    ]);
    expect([status.status, status.header('Preference-Applied')]).toEqual([200, 'wait=1']);
  });

  test('a poll does not wait because of the default of the route', async () => {
    const { id } = await stack().submit('/default/polled', { headers: { Prefer: 'wait=0' } });

    expect((await stack().poll('/default/polled', id)).status).toBe(202);
  });

  test('a waiting poll returns when the sweeper finds the job expired', async () => {
    const path = '/expiring/x';
    stack().upstream.script('/blocking/x', silence());
    startWorker();
    const blocking = await stack().submit('/blocking/x');
    await stack().upstream.called('/blocking/x');
    const { id } = await stack().submit(path);
    const response = await stack().request(path, {
      headers: { [ID_HEADER]: id, ...LONG },
    });

    expect(problemOf(response)).toEqual([504, 'deadline-exceeded']);
    await stack().poll('/blocking/x', blocking.id, { method: 'DELETE' });
    await stack().settled('/blocking/x', blocking.id);
  });

  test('a waiting poll returns when the job is cancelled, and not when an attempt fails', async () => {
    const path = '/later/x';
    stack().upstream.script(path, reply({ status: 503 }));
    startWorker();
    const { id } = await stack().submit(path);
    const answer = stack().request(path, { headers: { [ID_HEADER]: id, ...LONG } });
    await held(1);
    const status = async () => (await stack().request(`${path}?async-id=${id}`)).json()['state'];
    await until('the job to wait', async () => (await status()) === 'retrying');
    await stack().poll(path, id, { method: 'DELETE' });

    expect(problemOf(await answer)).toEqual([410, 'cancelled']);
  });
});

describe('waiting requests', () => {
  test('waiting requests read their jobs again after a lost subscription', async () => {
    const path = '/wait/lost';
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply({ body: 'told' })));
    startWorker();
    const { answer } = await submitHeld(path);
    for (let lost = 0; lost < 3; lost++) await stack().redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    latch.open();

    expect((await answer).text).toBe('told');
  });

  test('waiting requests return 202 at once when the plugin server shuts down', async () => {
    const path = '/wait/drained';
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply()));
    stack().upstream.script('/later/drained', heldBy(latch, reply()));
    startWorker();
    const { answer, id } = await submitHeld(path);
    const other = await stack().submit('/later/drained', { headers: { Prefer: 'wait=0' } });
    const polled = { headers: { [ID_HEADER]: other.id, ...LONG } };
    const poll = stack().request('/later/drained', polled);
    await held(2);
    for (const pid of await stack().gateway.pluginServerPids()) process.kill(pid, 'SIGTERM');
    const response = await answer;

    expect([response.status, response.header(ID_HEADER)]).toEqual([202, id]);
    expect(response.header('Preference-Applied')).toBeUndefined();
    expect((await poll).status).toBe(202);
    latch.open();
    await stack().pluginServerBack(path);
    expect((await stack().settled(path, id)).status).toBe(200);
    expect((await stack().settled('/later/drained', other.id)).status).toBe(200);
  });
});
