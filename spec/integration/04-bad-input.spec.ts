// What clients send by mistake or malice. None of it stops the plugin server, and no ID of theirs reaches the upstream.
import { strangeJobId } from '../helpers/job-ids';
import type { RequestOptions } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { useStack } from '../helpers/use-stack';

/** `request.max_body_bytes` by default. */
const REQUEST_CEILING_BYTES = 10_485_760;
/** What a route with no service carries, whatever the configuration allows: Kong hands nothing off there. */
const ALONE_BYTES = 1_048_576;

const stack = useStack({
  shared: { retry: { attempts: 1 } },
  routes: [
    { name: 'input', config: { queue: { name: 'input' } } },
    { name: 'elsewhere', config: { queue: { name: 'elsewhere' } } },
    { name: 'small', config: { request: { max_body_bytes: 1000 } } },
    { name: 'empty', config: { request: { max_body_bytes: 0 } } },
    { name: 'alone', service: false, config: { queue: { name: 'alone' } } },
    { name: 'bare', config: false },
  ],
});

let pids: number[] = [];
beforeAll(async () => {
  pids = await stack().gateway.pluginServerPids();
});

/** IDs that clients have invented. */
const sentIds: string[] = [];
function strangeId(): string {
  const id = strangeJobId();
  sentIds.push(id);
  return id;
}

async function settledJob(path: string): Promise<string> {
  const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
  await stack().settled(path, id);
  return id;
}

describe('a bad ID', () => {
  test.each([
    ['a word', 'no-id'],
    ['a number', '1'],
    ['a path', '../../etc/passwd'],
    ['a wildcard', '*'],
    ['a key of Redis', 'arr:{x}:record'],
    ['quotes and braces', `"{'}`],
    ['__proto__', '__proto__'],
    ['bytes beyond ASCII', '\xe9\xff\x80'],
    ['a list', `${strangeJobId()}, ${strangeJobId()}`],
    ['7 KiB', 'a'.repeat(7 * 1024)],
    ['nothing', ''],
    ['blanks', '  '],
  ])('is 404 and no submit: %s', async (title, id) => {
    const path = `/input/bad-id/${encodeURIComponent(title)}`;
    const body = { method: 'POST', body: 'a' };

    const inHeader = await stack().request(path, { ...body, headers: { [ID_HEADER]: id } });
    const inQuery = await stack().request(`${path}?async-id=${encodeURIComponent(id)}`);

    // A list in a field may be one malformed ID or several.
    expect([400, 404]).toContain(inHeader.status);
    if (title !== 'a list') expect(inHeader.status).toBe(404);
    expect(inQuery.status).toBe(404);
    expect(stack().upstream.callsTo(path)).toEqual([]);
  });

  test.each(['?async-id', '?async-id=', '?a=1&async-id=', '?async-id=&async-view=result'])(
    'is 404 and no submit: nothing, as %s',
    async (query) => {
      expect((await stack().request(`/input/empty-query${query}`)).status).toBe(404);
      expect(stack().upstream.callsTo('/input/empty-query')).toEqual([]);
    },
  );

  test.each([
    ['in a field in lower case', (id: string) => ({ headers: { 'x-async-kong-id': id } })],
    [
      'in a field that Connection names',
      (id: string) => ({ headers: { [ID_HEADER]: id, Connection: ID_HEADER } }),
    ],
    ['with a body', (id: string) => ({ method: 'POST', body: 'a', headers: { [ID_HEADER]: id } })],
    ['with a method that makes no job', (id: string) => ({ method: 'REPORT', headers: { [ID_HEADER]: id } })],
    ['with OPTIONS', (id: string) => ({ method: 'OPTIONS', headers: { [ID_HEADER]: id } })],
    [
      'with a WebSocket handshake',
      (id: string) => ({ headers: { [ID_HEADER]: id, Connection: 'Upgrade', Upgrade: 'websocket' } }),
    ],
  ] as [string, (id: string) => RequestOptions][])('is a poll %s', async (title, options) => {
    const path = `/input/poll-${title.replaceAll(' ', '-')}`;

    const response = await stack().request(path, options(strangeId()));

    expect([204, 404]).toContain(response.status);
    expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
    expect(stack().upstream.callsTo(path)).toEqual([]);
  });

  test.each(['async-id', 'async%2Did', 'async-%69d'])('is a poll in the query, as %s', async (name) => {
    const response = await stack().request(`/input/query-name?${name}=${strangeId()}`);

    expect(response.status).toBe(404);
    expect(stack().upstream.callsTo('/input/query-name')).toEqual([]);
  });

  test('of another scope is 404', async () => {
    const id = await settledJob('/elsewhere');

    expect((await stack().poll('/input/scope', id)).status).toBe(404);
    expect((await stack().request(`/input/scope?async-id=${id}`)).status).toBe(404);
    expect(stack().upstream.callsTo('/input/scope')).toEqual([]);
  });

  test.each([
    ['twice in the header', (a: string) => ({ headers: { [ID_HEADER]: [a, a] } }), ''],
    ['as two in the header', (a: string, b: string) => ({ headers: { [ID_HEADER]: [a, b] } }), ''],
    ['twice in the query', () => ({}), '?async-id=A&async-id=A'],
    ['as two in the query', () => ({}), '?async-id=A&x=1&async-id=B'],
    [
      'as one in the header and another in the query',
      (a: string) => ({ headers: { [ID_HEADER]: a } }),
      '?async-id=B',
    ],
  ] as [string, (a: string, b: string) => RequestOptions, string][])(
    'an ID that is given %s is 400 ambiguous-id',
    async (_title, options, query) => {
      const [a, b] = [await settledJob('/input/twice'), strangeId()];
      const calls = stack().upstream.requests.length;

      const target = `/input/twice${query.replaceAll('A', a).replaceAll('B', b)}`;
      const response = await stack().request(target, options(a, b));

      expect(response.status).toBe(400);
      expect(response.header('Content-Type')).toBe('application/problem+json');
      expect(response.json()['type']).toMatch(/ambiguous-id$/);
      expect(stack().upstream.requests).toHaveLength(calls);
    },
  );

  test('in a field whose name has underscores is not taken for the ID of the job', async () => {
    const strange = strangeId();

    const response = await stack().request('/input/underscores', { headers: { X_Async_Kong_Id: strange } });

    expect([202, 404]).toContain(response.status);
    const id = response.status === 202 ? response.header(ID_HEADER) : undefined;
    if (id !== undefined) await stack().settled('/input/underscores', id);
    expect(
      stack()
        .upstream.callsTo('/input/underscores')
        .map(({ jobId }) => jobId),
    ).toEqual(id ? [id] : []);
  });
});

describe('a header value', () => {
  test('of 10 KiB is rejected by the gateway and does not reach the upstream', async () => {
    for (const name of ['X-Large', ID_HEADER]) {
      const response = await stack().request('/input/large-header', {
        headers: { [name]: 'a'.repeat(10240) },
      });

      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
    }
    expect(stack().upstream.callsTo('/input/large-header')).toEqual([]);
  });

  test('of 7 KiB reaches the upstream unchanged', async () => {
    await stack().roundTrip('/input/long-header', { headers: { 'X-Long': 'a'.repeat(7168) } });

    expect(stack().upstream.callsTo('/input/long-header')[0]?.header('X-Long')).toBe('a'.repeat(7168));
  });
});

describe('an unknown method', () => {
  test('is rejected by the fail-closed guard', async () => {
    const response = await stack().request('/input/report', { method: 'REPORT', body: 'a' });

    expect(response.status).toBe(503);
    expect(response.header(ID_HEADER)).toBeUndefined();
    expect(stack().upstream.callsTo('/input/report')).toEqual([]);
  });

  test('that is not registered makes no job, and does not pass an ID to the upstream', async () => {
    for (const headers of [{}, { [ID_HEADER]: strangeId() }]) {
      const response = await stack().request('/input/brew', { method: 'BREW', body: 'a', headers });

      // A gateway may refuse what it does not know.
      expect([400, 404, 405, 501, 503]).toContain(response.status);
    }
    expect(stack().upstream.callsTo('/input/brew')).toEqual([]);
  });
});

describe('__proto__', () => {
  test.each([
    ['a header', '/proto-header', { headers: { __proto__x: '1', ['__proto__']: 'polluted' } }],
    [
      'a header given twice',
      '/proto-headers',
      { headers: [['__proto__', 'a'] as const, ['__proto__', 'b'] as const] },
    ],
    ['a query argument', '/proto-query?__proto__=1&__proto__[x]=2&constructor=3', {}],
  ] as [string, string, RequestOptions][])(
    'as %s reaches the upstream as without the plugin',
    async (_title, target, options) => {
      await stack().roundTrip(`/input${target}`, options);
      await stack().request(`/bare${target}`, options);

      const path = target.split('?')[0] ?? '';
      const [ours] = stack().upstream.callsTo(`/input${path}`);
      const [bare] = stack().upstream.callsTo(`/bare${path}`);
      expect(ours?.target.replace('/input', '')).toBe(bare?.target.replace('/bare', ''));
      expect(ours?.headers('__proto__')).toEqual(bare?.headers('__proto__'));
    },
  );
});

describe('a body', () => {
  const ceiling = Buffer.alloc(REQUEST_CEILING_BYTES, 'x');

  test.each([
    ['of the limit', '/small', { body: 'x'.repeat(1000) }, 1000],
    ['of the limit, chunked', '/small', { chunks: ['x'.repeat(600), 'x'.repeat(400)] }, 1000],
    ['of none where none may be', '/empty', {}, 0],
    ['of 1 MiB with no service', '/alone', { body: ceiling.subarray(0, ALONE_BYTES) }, ALONE_BYTES],
    ['of 10 MiB', '/input', { body: ceiling }, REQUEST_CEILING_BYTES],
    ['of 10 MiB, chunked', '/input', { chunks: [ceiling.subarray(1), 'x'] }, REQUEST_CEILING_BYTES],
  ] as [string, string, RequestOptions, number][])(
    '%s becomes a job',
    async (title, route, options, size) => {
      const path = `${route}/${title.replaceAll(/\W+/g, '-')}`;

      const { id } = await stack().submit(path, { method: 'POST', ...options });

      await stack().settled(path, id);
      const [call] = stack().upstream.callsOf(id);
      expect(call?.body.equals(Buffer.alloc(size, 'x'))).toBe(true);
    },
  );

  test.each([
    ['of the limit and a byte', '/small', { body: 'x'.repeat(1001) }, 1000],
    ['of the limit and a byte, chunked', '/small', { chunks: ['x'.repeat(1000), 'x'] }, 1000],
    ['of a byte where none may be', '/empty', { body: 'x' }, 0],
    ['of a byte where none may be, chunked', '/empty', { chunks: ['x'] }, 0],
    [
      'of 10 MiB and a byte',
      '/input',
      { body: Buffer.concat([ceiling, Buffer.from('x')]) },
      REQUEST_CEILING_BYTES,
    ],
    [
      'of 1 MiB and a byte with no service',
      '/alone',
      { body: ceiling.subarray(0, ALONE_BYTES + 1) },
      ALONE_BYTES,
    ],
    [
      'of 1 MiB and a byte with no service, chunked',
      '/alone',
      { chunks: [ceiling.subarray(0, ALONE_BYTES + 1)] },
      ALONE_BYTES,
    ],
    ['of 10 MiB and a byte, chunked', '/input', { chunks: [ceiling, 'x'] }, REQUEST_CEILING_BYTES],
  ] as [string, string, RequestOptions, number][])(
    '%s is 413 with the limit in the problem',
    async (title, route, options, limit) => {
      const path = `${route}/over-${title.replaceAll(/\W+/g, '-')}`;

      const response = await stack().request(path, { method: 'POST', ...options });

      expect(response.status).toBe(413);
      expect(response.header('Content-Type')).toBe('application/problem+json');
      expect(response.json()).toMatchObject({
        status: 413,
        detail: expect.stringContaining(String(limit)) as string,
      });
      expect(response.header(ID_HEADER)).toBeUndefined();
      expect(stack().upstream.callsTo(path)).toEqual([]);
    },
  );

  test('over the limit does not keep a poll from being a poll', async () => {
    const id = await settledJob('/small/poll');

    const response = await stack().request('/small/poll', {
      method: 'POST',
      body: 'x'.repeat(5000),
      headers: { [ID_HEADER]: id },
    });

    expect(response.status).toBe(200);
  });
});

test('after all these requests the plugin server still runs, and no ID of a client has reached the upstream', async () => {
  const { gateway, upstream } = stack();

  expect(await gateway.pluginServerPids()).toEqual(pids);
  const seen = upstream.requests.filter(({ path }) => !path.startsWith('/bare/')).map(({ jobId }) => jobId);
  expect(seen.length).toBeGreaterThan(10);
  expect(seen).not.toContain(undefined);
  expect(seen.filter((id) => sentIds.includes(id ?? ''))).toEqual([]);
  expect(sentIds.length).toBeGreaterThan(10);
});
