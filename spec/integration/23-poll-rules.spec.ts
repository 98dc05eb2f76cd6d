// docs/http.md, "Poll" and "Replay": how often a job may be polled and its result read, and what a pending response contains.
import type { HttpResponse } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
import { until } from '../helpers/until';
import { hangUp, heldBy, reply, silence } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const READERS = 10;

const stack = useStack({
  shared: { retry: { attempts: 1 } },
  routes: [
    { name: 'queue', config: { queue: { concurrency: 1 }, retry_after_seconds: 2 } },
    { name: 'delayed', config: { queue: { delay_header: 'X-Delay' } } },
    { name: 'later', config: { retry: { attempts: 2, backoff_ms: 600_000, max_backoff_ms: 600_000 } } },
    { name: 'floor', config: { min_poll_interval_ms: 60_000 } },
    { name: 'low-floor', config: { min_poll_interval_ms: 10 } },
    { name: 'once', config: { delete_after_read: true, queue: { name: 'once' }, wait: { max_ms: 50_000 } } },
    { name: 'once-elsewhere', config: { intercept: 'never', poll_queues: ['once', 'often'] } },
    { name: 'often', config: { queue: { name: 'often' } } },
    {
      name: 'often-read-once',
      config: { intercept: 'never', delete_after_read: true, poll_queues: ['often'] },
    },
    { name: 'resource', config: { on_complete: 'resource' } },
  ],
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

const statusUrl = (path: string, id: string): Promise<HttpResponse> =>
  stack().request(`${path}?async-id=${id}`);

describe('a pending answer', () => {
  test('a pending job has a queue_position while it is queued, 1 for the next', async () => {
    const path = '/queue/position';
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply()));
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) ids.push((await stack().submit(path)).id);
    const positions = async () =>
      Promise.all(ids.map(async (id) => (await statusUrl(path, id)).json()['queue_position']));
    const before = await positions();
    startWorker();
    await stack().upstream.called(path);
    const during = await positions();
    const polled = await stack().poll(path, ids[3] ?? '');
    latch.open();
    for (const id of ids) await stack().settled(path, id);

    expect(before).toEqual([1, 2, 3, 4]);
    expect(during).toEqual([undefined, 1, 2, 3]);
    expect(polled.json()['queue_position']).toBe(3);
    expect((await statusUrl(path, ids[3] ?? '')).json()).not.toHaveProperty('queue_position');
  });

  test('the Retry-After of a pending job is at least that of the route', async () => {
    const { id, response } = await stack().submit('/queue/base');
    const polled = await stack().poll('/queue/base', id);
    await stack().request(`/queue/base?async-id=${id}`, { method: 'DELETE' });

    expect([response.header('Retry-After'), polled.header('Retry-After')]).toEqual(['2', '2']);
  });

  test('the Retry-After of a queued job grows with the queue ahead of it, up to the time it has waited', async () => {
    const path = '/queue/grows';
    const latch = new Latch();
    stack().upstream.script(path, reply(), heldBy(latch, reply()));
    const ids = await Promise.all(Array.from({ length: 40 }, async () => (await stack().submit(path)).id));
    startWorker();
    // One has settled in that time: 38 more will take long.
    await stack().upstream.called(path, 2);
    const last = await until('the last in the queue', async () => {
      const looks = await Promise.all(ids.map((id) => statusUrl(path, id)));
      return looks.findIndex((look) => look.json()['queue_position'] === 38) + 1;
    });
    const id = ids[last - 1] ?? '';
    const response = await until('a Retry-After over the least', async () => {
      const look = await statusUrl(path, id);
      return Number(look.header('Retry-After')) > 2 ? look : null;
    });
    const waitedMs = Date.now() - Date.parse(String(response.json()['created_at']));
    latch.open();
    for (const one of ids) await stack().settled(path, one);

    expect(Number(response.header('Retry-After'))).toBeLessThanOrEqual(Math.ceil(waitedMs / 1000));
  });

  test('the Retry-After of a delayed job lasts until its start time', async () => {
    const { id, response } = await stack().submit('/delayed/x', { headers: { 'X-Delay': '600' } });
    const polled = await stack().poll('/delayed/x', id);
    await stack().poll('/delayed/x', id, { method: 'DELETE' });

    for (const seconds of [response, polled].map((one) => Number(one.header('Retry-After')))) {
      expect(seconds).toBeGreaterThan(500);
      expect(seconds).toBeLessThanOrEqual(600);
    }
    expect(polled.json()).not.toHaveProperty('queue_position');
  });

  test('the Retry-After of a retrying job lasts until its next attempt', async () => {
    const path = '/later/x';
    stack().upstream.script(path, reply({ status: 503, headers: { 'Retry-After': '700' } }));
    startWorker();
    const { id } = await stack().submit(path);
    const retrying = await until('the job to wait', async () => {
      const response = await statusUrl(path, id);
      return response.json()['state'] === 'retrying' ? response : null;
    });
    await stack().poll(path, id, { method: 'DELETE' });

    expect(Number(retrying.header('Retry-After'))).toBeGreaterThan(600);
  });
});

describe('min_poll_interval_ms', () => {
  test('polls of an open job faster than min_poll_interval_ms return 429 with Retry-After', async () => {
    const path = '/floor/fast';
    const { id } = await stack().submit(path);
    const first = await stack().poll(path, id);
    const others = [await stack().poll(path, id), await statusUrl(path, id)];
    const cancelled = await stack().poll(path, id, { method: 'DELETE' });

    expect(first.status).toBe(202);
    for (const response of others) {
      expect(problemOf(response)).toEqual([429, 'polled-too-soon']);
      expect(response.header('Retry-After')).toBe('60');
      expect(response.header(ID_HEADER)).toBe(id);
    }
    expect(cancelled.status).toBe(204);
  });

  test('min_poll_interval_ms does not reveal a job to another caller', async () => {
    const { id } = await stack().submit('/floor/foreign');
    await stack().poll('/floor/foreign', id);

    expect(problemOf(await stack().poll('/often/x', id))).toEqual([404, 'not-found']);
    await stack().poll('/floor/foreign', id, { method: 'DELETE' });
  });

  test('a client that polls at min_poll_interval_ms may follow the 303 at once', async () => {
    const path = '/low-floor/x';
    const { id } = await stack().submit(path);
    startWorker();
    await until('the 303', async () => (await statusUrl(path, id)).status === 303);

    expect((await stack().request(`${path}?async-id=${id}&async-view=result`)).status).toBe(200);
    expect((await stack().poll(path, id)).status).toBe(200);
  });
});

describe('delete_after_read', () => {
  const completed = async (path: string): Promise<string> => {
    stack().upstream.script(path, reply({ body: 'once' }));
    const { id } = await stack().submit(path);
    startWorker();
    await until('the job to settle', async () => (await statusUrl(path, id)).status === 303);
    return id;
  };

  test('with delete_after_read one of ten concurrent reads returns the result, and all others 410', async () => {
    const path = '/once/many';
    const id = await completed(path);
    const reads = await Promise.all(
      Array.from({ length: READERS }, (_, index) =>
        index % 2 === 0
          ? stack().poll(path, id)
          : stack().request(`${path}?async-id=${id}&async-view=result`),
      ),
    );

    const told = reads.filter(({ status }) => status === 200);
    expect(told.map(({ text }) => text)).toEqual(['once']);
    for (const response of reads.filter((read) => read !== told[0])) {
      expect(problemOf(response)).toEqual([410, 'already-read']);
      expect(response.header(ID_HEADER)).toBe(id);
    }
  });

  test('with delete_after_read HEAD, the status URL and a cancel are no reads', async () => {
    const path = '/once/looked-at';
    const id = await completed(path);
    const head = await stack().request(path, { method: 'HEAD', headers: { [ID_HEADER]: id } });
    const status = await statusUrl(path, id);
    const cancel = await stack().poll(path, id, { method: 'DELETE' });
    const read = await stack().poll(path, id);
    const after = await stack().request(path, { method: 'HEAD', headers: { [ID_HEADER]: id } });

    expect([head.status, status.status, cancel.status, read.text, after.status]).toEqual([
      200,
      303,
      409,
      'once',
      410,
    ]);
  });

  test('with delete_after_read a submit that waits for the result has read it', async () => {
    const path = '/once/waited';
    stack().upstream.script(path, reply({ body: 'once' }));
    startWorker();
    const response = await stack().request(path, { headers: { Prefer: 'wait=50' } });

    expect([response.status, response.text]).toEqual([200, 'once']);
    expect(problemOf(await stack().poll(path, response.header(ID_HEADER) ?? ''))).toEqual([
      410,
      'already-read',
    ]);
  });

  test('delete_after_read of the submit route follows the job; on a poll route it applies to every job', async () => {
    const [mine, others] = [await completed('/once/elsewhere'), await completed('/often/elsewhere')];

    const reads = [
      await stack().poll('/once-elsewhere', mine),
      await stack().poll('/once-elsewhere', mine),
      await stack().poll('/often', others),
      await stack().poll('/often', others),
      await stack().poll('/often-read-once', others),
      await stack().poll('/often', others),
    ];
    expect(reads.map(({ status }) => status)).toEqual([200, 410, 200, 200, 200, 410]);
  });

  test('with delete_after_read a problem can be read again', async () => {
    const path = '/once/failed';
    stack().upstream.script(path, hangUp());
    const { id } = await stack().submit(path);
    startWorker();
    const first = await stack().settled(path, id);

    expect([first.status, (await stack().poll(path, id)).status]).toEqual([502, 502]);
  });

  test('with delete_after_read the response is deleted from Redis when it is read', async () => {
    const path = '/once/gone';
    const id = await completed(path);
    const responses = async () => (await stack().redis.keys()).filter((key) => key.includes(`{${id}}:res:`));
    const before = await responses();
    await stack().poll(path, id);

    expect([before.length, await responses()]).toEqual([1, []]);
  });
});

describe('on_complete: resource', () => {
  test.each([
    ['an absolute path', '/things/7?x=1', '/things/7?x=1'],
    ['an address', 'https://api.example.com/things/7', 'https://api.example.com/things/7'],
    ['the result URL where the Location is relative to the request', 'things/7', null],
  ])('on_complete: resource redirects to %s', async (title, sent, expected) => {
    const path = `/resource/${title.replaceAll(' ', '-')}`;
    stack().upstream.script(path, reply({ status: 201, headers: { Location: sent } }));
    startWorker();
    const { id } = await stack().submit(path);
    await stack().settled(path, id);

    expect((await statusUrl(path, id)).header('Location')).toBe(
      expected ?? `${path}?async-id=${id}&async-view=result`,
    );
  });
});

describe('the URLs of a job', () => {
  test.each([
    ['', 'GET, HEAD, DELETE, OPTIONS'],
    ['&async-view=result', 'GET, HEAD, OPTIONS'],
  ])('OPTIONS with an ID in the query (%s) returns 204 with Allow and no-store', async (view, allow) => {
    const { id } = await stack().submit('/often/options');
    const response = await stack().request(`/often/options?async-id=${id}${view}`, { method: 'OPTIONS' });

    expect([response.status, response.header('Allow'), response.text]).toEqual([204, allow, '']);
    expect(response.header('Cache-Control')).toBe('no-store');
    expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
  });

  test('DELETE of the result URL returns 405 with Allow', async () => {
    const path = '/often/delete';
    stack().upstream.script(path, silence());
    const { id } = await stack().submit(path);
    const response = await stack().request(`${path}?async-id=${id}&async-view=result`, { method: 'DELETE' });

    expect(problemOf(response)).toEqual([405, 'method-not-allowed']);
    expect(response.header('Allow')).toBe('GET, HEAD, OPTIONS');
    expect((await stack().poll(path, id, { method: 'DELETE' })).status).toBe(204);
  });
});
