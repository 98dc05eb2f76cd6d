// docs/http.md, "Poll": its table, row by row, in the three views of a job.
import { comparable } from '../helpers/comparable';
import type { HttpResponse } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { Latch } from '../helpers/latch';
import { heldBy, reply, silence } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const STATUS_MEMBERS = [
  'id',
  'state',
  'attempts',
  'created_at',
  'started_at',
  'settled_at',
  'expires_at',
  'queue_position',
  'upstream_status',
  'error',
  'links',
];

const stack = useStack({
  shared: { retry: { attempts: 1, connect_attempts: 1 } },
  routes: [
    { name: 'jobs' },
    { name: 'narrow', config: { queue: { concurrency: 1 } } },
    { name: 'refused', serviceUrl: 'http://127.0.0.1:1' },
    { name: 'late', config: { upstream: { attempt_timeout: 300 } } },
    { name: 'resource', config: { on_complete: 'resource' } },
    { name: 'status', config: { on_complete: 'status' } },
    { name: 'status-refused', serviceUrl: 'http://127.0.0.1:1', config: { on_complete: 'status' } },
  ],
});

/** A view of a job: how a client requests it. */
type View = (path: string, id: string, method?: string) => Promise<HttpResponse>;

const headerPoll: View = (path, id, method = 'GET') =>
  stack().request(path, { method, headers: { [ID_HEADER]: id } });
const statusUrl: View = (path, id, method = 'GET') => stack().request(`${path}?async-id=${id}`, { method });
const resultUrl: View = (path, id, method = 'GET') =>
  stack().request(`${path}?async-id=${id}&async-view=result`, { method });

const headerPollBy =
  (method: string): View =>
  (path, id) =>
    headerPoll(path, id, method);

/** The views in which the table has one column. */
const RESULT_VIEWS: [string, View][] = [
  ['a header poll with GET', headerPollBy('GET')],
  ['a header poll with POST', headerPollBy('POST')],
  ['a header poll with PUT', headerPollBy('PUT')],
  ['a header poll with PATCH', headerPollBy('PATCH')],
  ['GET of the result URL', resultUrl],
];
const HEAD_VIEWS: [string, View, View][] = [
  ['a header poll', headerPoll, headerPollBy('HEAD')],
  ['the status URL', statusUrl, (path, id) => statusUrl(path, id, 'HEAD')],
  ['the result URL', resultUrl, (path, id) => resultUrl(path, id, 'HEAD')],
];

function expectOurs(response: HttpResponse, id: string): void {
  expect(response.header(ID_HEADER)).toBe(id);
  expect(response.header('Cache-Control')).toBe('no-store');
  expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
}

function expectStatusBody(response: HttpResponse, id: string, path: string): void {
  expect(response.header('Content-Type')).toBe('application/json');
  const body = response.json();
  expect(STATUS_MEMBERS).toEqual(expect.arrayContaining(Object.keys(body)));
  expect(body).toMatchObject({
    id,
    attempts: expect.any(Number) as number,
    created_at: expect.any(String) as string,
    expires_at: expect.any(String) as string,
    links: { status: `${path}?async-id=${id}`, result: `${path}?async-id=${id}&async-view=result` },
  });
}

/** HEAD answers as GET does, without content. */
async function expectHeadLikeGet(get: View, head: View, path: string, id: string): Promise<void> {
  const [whole, bare] = [await get(path, id), await head(path, id)];
  expect(bare.body).toHaveLength(0);
  expect(bare.header('Content-Length')).toBe(whole.header('Content-Length'));
  expect({ ...comparable(bare, id), body: '' }).toEqual({ ...comparable(whole, id), body: '' });
}

describe.each(['queued', 'running'])('a %s job', (state) => {
  /** Looks at a job that is in that state, and lets it end. */
  async function look(name: string, atJob: (path: string, id: string) => Promise<void>): Promise<void> {
    const path = `/narrow/${state}-${name}`;
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply()));
    const running = await stack().submit(path, { method: 'POST', body: 'secret' });
    await stack().upstream.called(path);
    // With a concurrency of 1, the next one has to wait.
    const { id } =
      state === 'running' ? running : await stack().submit(path, { method: 'POST', body: 'secret' });
    try {
      await atJob(path, id);
    } finally {
      latch.open();
      await stack().settled(path, running.id);
      await stack().settled(path, id);
    }
  }

  test.each(RESULT_VIEWS)('is answered with 202 and its status to %s', async (name, poll) => {
    await look(name.replaceAll(' ', '-'), async (path, id) => {
      const response = await poll(path, id);

      expect(response.status).toBe(202);
      expectOurs(response, id);
      expectStatusBody(response, id, path);
      expect(response.json()['state']).toBe(state);
      expect(response.header('Retry-After')).toMatch(/^[1-9]\d*$/);
      expect(response.text).not.toContain('secret');
    });
  });

  test('is answered with 200 and its status to GET of the status URL', async () => {
    await look('status', async (path, id) => {
      const response = await statusUrl(path, id);

      expect(response.status).toBe(200);
      expectOurs(response, id);
      expectStatusBody(response, id, path);
      expect(response.json()).toMatchObject({ state, attempts: state === 'running' ? 1 : 0 });
      expect('started_at' in response.json()).toBe(state === 'running');
      expect(response.header('Retry-After')).toMatch(/^[1-9]\d*$/);
    });
  });

  test('HEAD returns the header of GET without content in every view', async () => {
    await look('head', async (path, id) => {
      for (const [, get, head] of HEAD_VIEWS) await expectHeadLikeGet(get, head, path, id);
    });
  });
});

describe('a completed job', () => {
  const path = '/jobs/completed';
  let id = '';

  beforeAll(async () => {
    const headers = { 'Content-Type': 'text/csv', 'Cache-Control': 'public, max-age=60', ETag: '"1"' };
    stack().upstream.script(path, reply({ status: 201, headers, body: 'a;b' }));
    ({ id } = await stack().submit(path, { method: 'POST', body: 'a' }));
    await stack().settled(path, id);
  });

  test.each(RESULT_VIEWS)('is replayed to %s', async (_view, poll) => {
    const response = await poll(path, id);

    expect([response.status, response.text]).toEqual([201, 'a;b']);
    expect(response.header('Content-Type')).toMatch(/^text\/csv/);
    expect(response.header('ETag')).toBe('"1"');
    expect(response.header(ID_HEADER)).toBe(id);
    expect(response.header('Age')).toMatch(/^\d+$/);
    expect(response.header('Vary')).toContain('X-Async-Kong-Id');
    expect(response.header('Cache-Control')).toContain('private');
    expect(response.header('Cache-Control')).not.toContain('public');
  });

  test('its status URL redirects with 303 to the result URL', async () => {
    const response = await statusUrl(path, id);

    expect(response.status).toBe(303);
    expect(response.header('Location')).toBe(`${path}?async-id=${id}&async-view=result`);
    expectOurs(response, id);
  });

  test.each(HEAD_VIEWS)('HEAD returns the header of GET without content in %s', async (_view, get, head) => {
    await expectHeadLikeGet(get, head, path, id);
  });

  test('conditional header fields of a poll do not change the replay', async () => {
    const headers = { [ID_HEADER]: id, 'If-None-Match': '"1"', 'If-Match': '"2"' };

    const response = await stack().request(path, { headers });

    expect([response.status, response.text]).toEqual([201, 'a;b']);
  });

  test.each(['POST', 'PUT', 'PATCH', 'REPORT'])('%s of a job URL returns 405 with Allow', async (method) => {
    for (const view of [statusUrl, resultUrl]) {
      const response = await view(path, id, method);

      expect(response.status).toBe(405);
      expect(response.header('Allow')?.split(/, */)).toEqual(expect.arrayContaining(['GET', 'HEAD']));
      expect(response.header('Content-Type')).toBe('application/problem+json');
    }
    expect(stack().upstream.callsTo(path)).toHaveLength(1);
  });
});

describe.each([
  { reason: 'refused', route: '/refused', status: 502 },
  { reason: 'late', route: '/late', status: 504 },
])('a job whose upstream is $reason', ({ reason, route, status }) => {
  const path = `${route}/x`;
  let id = '';

  beforeAll(async () => {
    if (reason === 'late') stack().upstream.script(path, silence());
    ({ id } = await stack().submit(path, { method: 'POST', body: 'secret' }));
    await stack().settled(path, id);
    await until('the call to be over', () => stack().upstream.answersPending === 0);
  });

  test.each(RESULT_VIEWS)(`is answered with ${status} and the reason to %s`, async (_view, poll) => {
    const response = await poll(path, id);

    expect(response.status).toBe(status);
    expectOurs(response, id);
    expect(response.header('Content-Type')).toBe('application/problem+json');
    expect(response.header('Proxy-Status')).toMatch(/; ?error=/);
    expect(response.json()).toMatchObject({
      type: expect.any(String) as string,
      title: expect.any(String) as string,
      status,
      detail: expect.any(String) as string,
    });
    expect(response.text).not.toContain('secret');
  });

  test('its status URL redirects with 303 to the result URL', async () => {
    const response = await statusUrl(path, id);

    expect(response.status).toBe(303);
    expect(response.header('Location')).toBe(`${path}?async-id=${id}&async-view=result`);
  });

  test.each(HEAD_VIEWS)('HEAD returns the header of GET without content in %s', async (_view, get, head) => {
    await expectHeadLikeGet(get, head, path, id);
  });
});

describe('on_complete', () => {
  test.each([
    ['the resource that a 201 names', { status: 201, headers: { Location: '/things/7' } }, '/things/7'],
    ['the place that a 302 names', { status: 302, headers: { Location: '/else' } }, '/else'],
    ['the result URL where a 200 names nothing', { status: 200 }, null],
    ['the result URL where a 201 names nothing', { status: 201 }, null],
  ])('on_complete: resource redirects the status URL with 303 to %s', async (title, answer, location) => {
    const path = `/resource/${title.replaceAll(' ', '-')}`;
    stack().upstream.script(path, reply(answer));
    const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
    await stack().settled(path, id);

    const response = await statusUrl(path, id);

    expect(response.status).toBe(303);
    expect(response.header('Location')).toBe(location ?? `${path}?async-id=${id}&async-view=result`);
  });

  test('on_complete: status returns 200 with the final status of a completed job', async () => {
    const path = '/status/completed';
    stack().upstream.script(path, reply({ status: 422, headers: { 'X-Secret': 'secret' }, body: 'secret' }));
    const { id } = await stack().submit(path, { method: 'POST', body: 'secret' });
    await stack().settled(path, id);

    const response = await statusUrl(path, id);

    expect(response.status).toBe(200);
    expectOurs(response, id);
    expectStatusBody(response, id, path);
    expect(response.json()).toMatchObject({ state: 'completed', attempts: 1, upstream_status: 422 });
    expect(response.json()).toHaveProperty('settled_at');
    expect(response.header('Retry-After')).toBeUndefined();
    expect(response.text).not.toContain('secret');
  });

  test('on_complete: status returns 200 with the final status and the error of a failed job', async () => {
    const path = '/status-refused/x';
    const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
    await stack().settled(path, id);

    const response = await statusUrl(path, id);

    expect(response.status).toBe(200);
    expectStatusBody(response, id, path);
    expect(response.json()).toMatchObject({
      state: 'failed',
      attempts: 1,
      error: expect.anything() as unknown,
    });
  });
});
