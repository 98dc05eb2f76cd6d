// docs/http.md, "Submit": what a 202 says, and which requests become jobs.
import { ID_HEADER } from '../helpers/id-header';
import { mintedAtMs, UUID_V7 } from '../helpers/job-ids';
import { Latch } from '../helpers/latch';
import { until } from '../helpers/until';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

/** RFC 3339, in UTC. */
const UTC_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

interface StatusBody {
  id: string;
  state: string;
  created_at: string;
  expires_at: string;
  links?: { status: string; result: string };
}

const stack = useStack({
  routes: [
    { name: 'submit' },
    {
      name: 'renamed',
      config: {
        id_header: 'X-Job',
        id_query: 'job',
        result_query: 'as',
        retry_after_seconds: 7,
        methods: ['POST', 'REPORT'],
      },
    },
    { name: 'open', isFailClosed: false },
    { name: 'never', config: { intercept: 'never', poll_queues: ['templated'] } },
    { name: 'templated', config: { queue: { name: 'templated' }, status_url: '/jobs/{id}' } },
    {
      name: 'jobs',
      config: { intercept: 'never', status_url: '/jobs/{id}', poll_queues: ['templated'] },
    },
    { name: 'elsewhere', config: { status_url: 'https://api.example.com/v1/{id}/state' } },
    { name: 'post-only', route: { methods: ['POST'] } },
    {
      name: 'post-only-templated',
      route: { methods: ['POST'] },
      config: { queue: { name: 'templated' }, status_url: '/jobs/{id}' },
    },
  ],
});

describe('the 202', () => {
  test('the 202 has the job ID, Location, Retry-After, Vary, no-store and the status body', async () => {
    const { id, response } = await stack().submit('/submit/report', { method: 'POST', body: 'a' });

    expect(response.header(ID_HEADER)).toMatch(UUID_V7);
    expect(response.header('Location')).toBe(`/submit/report?async-id=${id}`);
    expect(response.header('Retry-After')).toBe('1');
    expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
    expect(response.header('Cache-Control')).toBe('no-store');
    expect(response.header('Content-Type')).toBe('application/json');
    expect(response.header('Content-Length')).toBe(String(response.body.length));
    expect(response.header('Preference-Applied')).toBeUndefined();
    const body = response.json<StatusBody>();
    expect(body).toMatchObject({
      id,
      state: 'queued',
      created_at: expect.stringMatching(UTC_TIME) as string,
      expires_at: expect.stringMatching(UTC_TIME) as string,
      links: {
        status: `/submit/report?async-id=${id}`,
        result: `/submit/report?async-id=${id}&async-view=result`,
      },
    });
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.parse(body.created_at));
    await stack().settled('/submit/report', id);
  });

  test('the job ID contains the time of the accept', async () => {
    const beforeMs = Date.now();
    const { id, response } = await stack().submit('/submit/time');

    expect(mintedAtMs(id)).toBeGreaterThanOrEqual(beforeMs);
    expect(mintedAtMs(id)).toBeLessThanOrEqual(Date.now());
    expect(Math.abs(Date.parse(response.json<StatusBody>().created_at) - mintedAtMs(id))).toBeLessThan(5000);
    await stack().settled('/submit/time', id);
  });

  test('has Preference-Applied if the client prefers respond-async', async () => {
    const { id, response } = await stack().submit('/submit/preferred', {
      headers: { Prefer: 'respond-async' },
    });

    expect(response.header('Preference-Applied')).toBe('respond-async');
    await stack().settled('/submit/preferred', id);
  });

  test.each([
    ['leading slashes folded into one', '///submit/x', '/submit/x'],
    ['no query of the request', '/submit/x?a=1&b=2', '/submit/x'],
    ['percent-encoded bytes as they came', '/submit/a%2Fb%20c%C3%A9', '/submit/a%2Fb%20c%C3%A9'],
    ['the path of an absolute-form target', 'http://other.example/submit/x?a=1', '/submit/x'],
  ])('the Location has %s', async (_what, target, path) => {
    const { id, response } = await stack().submit(target, { method: 'POST', body: 'a' });

    expect(response.header('Location')).toBe(`${path}?async-id=${id}`);
    expect(response.json<StatusBody>().links).toEqual({
      status: `${path}?async-id=${id}`,
      result: `${path}?async-id=${id}&async-view=result`,
    });
    await stack().settled(path, id);
  });

  test('uses the names and the Retry-After that the route configures', async () => {
    const response = await stack().request('/renamed', { method: 'POST', body: 'a' });
    const id = response.header('X-Job') ?? '';

    expect(response.status).toBe(202);
    expect(id).toMatch(UUID_V7);
    expect(response.header(ID_HEADER)).toBeUndefined();
    expect(response.header('Location')).toBe(`/renamed?job=${id}`);
    expect(response.header('Retry-After')).toBe('7');
    expect(response.header('Vary')).toBe('X-Job, Prefer');
    expect(response.json<StatusBody>().links).toEqual({
      status: `/renamed?job=${id}`,
      result: `/renamed?job=${id}&as=result`,
    });
    const [call] = await stack().upstream.called('/renamed');
    expect(call?.header('X-Job')).toBe(id);
  });

  test('has the status URL of the template, and a poll of that URL finds the job', async () => {
    const { id, response } = await stack().submit('/templated/x', { method: 'POST', body: 'a' });
    await stack().settled('/templated/x', id);

    expect(response.header('Location')).toBe(`/jobs/${id}`);
    expect(response.json<StatusBody>().links).toEqual({
      status: `/jobs/${id}`,
      result: `/jobs/${id}/result`,
    });
    const status = await stack().request(`/jobs/${id}`);
    expect([status.status, status.header('Location')]).toEqual([303, `/jobs/${id}/result`]);
    expect((await stack().request(`/jobs/${id}/result`)).status).toBe(200);
  });

  test('has an absolute status URL if the template is absolute', async () => {
    const { id, response } = await stack().submit('/elsewhere');

    expect(response.header('Location')).toBe(`https://api.example.com/v1/${id}/state`);
    expect(response.json<StatusBody>().links).toEqual({
      status: `https://api.example.com/v1/${id}/state`,
      result: `https://api.example.com/v1/${id}/state/result`,
    });
    await stack().settled('/elsewhere', id);
  });
});

describe('a route whose methods leave out GET', () => {
  test('returns no Location and no links, and accepts header polls', async () => {
    const first = await stack().submit('/post-only', { method: 'POST', body: 'a' });
    const second = await stack().submit('/post-only', { method: 'POST', body: 'b' });

    for (const { id, response } of [first, second]) {
      expect(response.header('Location')).toBeUndefined();
      expect(response.json<StatusBody>()).not.toHaveProperty('links');
      const poll = await stack().request('/post-only', { method: 'POST', headers: { [ID_HEADER]: id } });
      expect([200, 202]).toContain(poll.status);
    }
    await stack().upstream.called('/post-only', 2);
  });

  test('is logged once as a warning', async () => {
    const isWarning = (line: string): boolean => /"level":40.*\bGET\b/.test(line);
    const warnings = async (): Promise<string[]> =>
      (await stack().gateway.log()).split('\n').filter(isWarning);
    for (const body of ['a', 'b']) await stack().submit('/post-only/warned', { method: 'POST', body });

    await until('a warning', async () => (await warnings()).length > 0);
    expect(await warnings()).toHaveLength(1);
    await stack().upstream.called('/post-only/warned', 2);
  });

  test('returns Location and links if status_url is set', async () => {
    const { id, response } = await stack().submit('/post-only-templated', { method: 'POST', body: 'a' });

    expect(response.header('Location')).toBe(`/jobs/${id}`);
    expect(response.json<StatusBody>().links?.result).toBe(`/jobs/${id}/result`);
    await stack().upstream.called('/post-only-templated');
  });
});

describe('what becomes a job', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('%s becomes a job by default', async (method) => {
    const path = `/submit/method-${method}`;
    const { id } = await stack().submit(path, { method, ...(method === 'GET' ? {} : { body: 'content' }) });

    const [call] = await stack().upstream.called(path);
    expect(call?.method).toBe(method);
    expect(call?.jobId).toBe(id);
    expect(call?.body.toString()).toBe(method === 'GET' ? '' : 'content');
  });

  test.each(['HEAD', 'OPTIONS', 'REPORT'])('%s passes to the upstream, by default', async (method) => {
    const path = `/open/method-${method}`;
    stack().upstream.script(path, reply({ status: 203, headers: { 'X-From': 'upstream' } }));

    const response = await stack().request(path, { method });

    expect(response.status).toBe(203);
    expect(response.header('X-From')).toBe('upstream');
    expect(response.header(ID_HEADER)).toBeUndefined();
    expect(stack().upstream.callsTo(path)).toHaveLength(1);
  });

  test.each(['CONNECT', 'TRACE'])('%s is not intercepted', async (method) => {
    const response = await stack().request('/open/not-ours', { method });

    expect(response.header(ID_HEADER)).toBeUndefined();
    expect(response.header('Vary')).toBeUndefined();
    expect(response.status).not.toBe(202);
  });

  test('only the methods that the route lists become jobs', async () => {
    const listed = await stack().request('/renamed/listed', { method: 'REPORT' });
    const leftOut = await stack().request('/renamed/left-out', { method: 'PUT', body: 'a' });

    expect(listed.status).toBe(202);
    await stack().upstream.called('/renamed/listed');
    // It passes the plugin, and the fail-closed guard rejects it.
    expect(leftOut.status).toBe(503);
    expect(leftOut.header('X-Job')).toBeUndefined();
  });

  test('OPTIONS with an ID in the query returns 204 with Allow', async () => {
    const { id } = await stack().submit('/open/options', { method: 'POST', body: 'a' });
    await stack().settled('/open/options', id);

    const response = await stack().request(`/open/options?async-id=${id}`, { method: 'OPTIONS' });

    expect(response.status).toBe(204);
    expect(response.header('Allow')?.split(/, */)).toEqual(
      expect.arrayContaining(['GET', 'HEAD', 'OPTIONS']),
    );
    expect(response.header('Content-Length')).toBeUndefined();
    expect(stack().upstream.callsTo('/open/options')).toHaveLength(1);
  });

  test('a request with an unsupported Upgrade becomes a job', async () => {
    const { id } = await stack().submit('/submit/upgrade', {
      headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': '' },
    });

    await stack().settled('/submit/upgrade', id);
    expect(
      stack()
        .upstream.callsTo('/submit/upgrade')
        .map(({ jobId }) => jobId),
    ).toEqual([id]);
  });

  test('a WebSocket handshake becomes a job unless the route sets pass_websocket', async () => {
    const { id } = await stack().submit('/submit/socket', {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });

    await stack().settled('/submit/socket', id);
    expect(
      stack()
        .upstream.callsTo('/submit/socket')
        .map(({ jobId }) => jobId),
    ).toEqual([id]);
  });

  test('200 concurrent requests become 200 jobs with distinct IDs, each run once', async () => {
    const submits = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        stack().submit('/submit/many', { method: 'POST', body: String(index) }),
      ),
    );
    const ids = submits.map(({ id }) => id);

    expect(new Set(ids).size).toBe(200);
    const calls = await stack().upstream.called('/submit/many', 200);
    expect(calls.map(({ jobId }) => jobId).sort()).toEqual([...ids].sort());
    expect(calls.map(({ body }) => Number(body.toString())).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, index) => index),
    );
  });
});

describe('intercept', () => {
  test('intercept: never rejects a request without an ID with 404, and nothing reaches the upstream', async () => {
    const response = await stack().request('/never/x', { method: 'POST', body: 'a' });

    expect(response.status).toBe(404);
    expect(response.header('Content-Type')).toBe('application/problem+json');
    expect(response.header('Cache-Control')).toBe('no-store');
    expect(stack().upstream.callsTo('/never/x')).toEqual([]);
  });

  test('intercept: never lets a poll find the jobs of the queues that the route lists', async () => {
    const latch = new Latch();
    stack().upstream.script('/templated/held', heldBy(latch, reply({ body: 'done' })));
    const { id } = await stack().submit('/templated/held', { method: 'POST', body: 'a' });

    const pending = await stack().poll('/never', id);
    latch.open();
    const done = await stack().settled('/never', id);

    expect(pending.status).toBe(202);
    expect([done.status, done.text]).toEqual([200, 'done']);
  });
});
