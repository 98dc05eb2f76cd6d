// The handoff path: nginx itself streams bodies that are too large for the plugin-server protocol, and Redis stores them in
// chunks.
import { createHash, randomBytes } from 'node:crypto';
import { HttpClient } from '../helpers/http-client';
import { reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const LARGE_BYTES = 700_000;

/** As a careless operator has it: everything is kept, whatever it says of itself. */
const CACHE = {
  name: 'proxy-cache',
  config: { strategy: 'memory', cache_control: false, content_type: ['text/plain'] },
};

const stack = useStack({
  routes: [
    { name: 'jobs' },
    {
      name: 'small',
      config: { request: { max_body_bytes: 100_000 }, response: { max_body_bytes: 200_000 } },
    },
    { name: 'stream', route: { request_buffering: false, response_buffering: false } },
    { name: 'once', config: { delete_after_read: true } },
    { name: 'shared', config: { queue: { name: 'shared' } } },
    { name: 'alone', service: false, config: { intercept: 'never', poll_queues: ['shared'] } },
    { name: 'cached', plugins: [CACHE] },
    { name: 'cached-large', config: { handoff: { response_threshold_bytes: 0 } }, plugins: [CACHE] },
  ],
});

const large = randomBytes(LARGE_BYTES);

const resultUrl = (path: string, id: string): string => `${path}?async-id=${id}&async-view=result`;

describe.each(['jobs', 'stream'])('on route %s', (route) => {
  test.each(['POST', 'PUT', 'PATCH'])('a large %s arrives as it was sent', async (method) => {
    const path = `/${route}/large-${method}`;
    const { response } = await stack().submit(path, { method, body: large, headers: { 'X-One': 'a' } });
    const [call] = await stack().upstream.called(path);

    expect(response.header('Location')).toBe(`${path}?async-id=${response.header('X-Async-Kong-Id')}`);
    expect(call?.method).toBe(method);
    expect(call?.header('X-One')).toBe('a');
    expect(call?.header('Content-Length')).toBe(String(LARGE_BYTES));
    expect(call?.body.equals(large)).toBe(true);
    expect(call?.header('X-Async-Kong-Handoff')).toBeUndefined();
  });

  test('a chunked request arrives as it was sent, with its length', async () => {
    const path = `/${route}/chunked`;
    await stack().submit(path, { method: 'POST', chunks: ['a', 'bc', large] });
    const [call] = await stack().upstream.called(path);

    expect(call?.header('Content-Length')).toBe(String(LARGE_BYTES + 3));
    expect(call?.body.equals(Buffer.concat([Buffer.from('abc'), large]))).toBe(true);
  });

  test('a large result is replayed byte for byte, with its length and digest', async () => {
    const path = `/${route}/result`;
    const headers = [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['ETag', '"v1"'],
    ] as const;
    stack().upstream.script(path, reply({ status: 203, headers: [...headers], body: large }));
    const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
    const replays = [await stack().settled(path, id), await stack().request(resultUrl(path, id))];

    for (const replay of replays) {
      expect(replay.status).toBe(203);
      expect(replay.body.equals(large)).toBe(true);
      expect(replay.header('Content-Length')).toBe(String(LARGE_BYTES));
      expect(replay.headers('Set-Cookie')).toEqual(['a=1', 'b=2']);
      expect(replay.header('X-Async-Kong-Id')).toBe(id);
      const digest = createHash('sha256').update(large).digest('base64');
      expect(replay.header('Repr-Digest')).toBe(`sha-256=:${digest}:`);
      expect(replay.header('X-Accel-Buffering')).toBeUndefined();
    }
  });
});

test('a result can be fetched in parts, where it has not changed', async () => {
  const path = '/jobs/parts';
  stack().upstream.script(path, reply({ headers: { ETag: '"v1"' }, body: large }));
  const { id } = await stack().submit(path);
  await stack().settled(path, id);
  const get = (headers: Record<string, string>) => stack().request(resultUrl(path, id), { headers });

  const middle = await get({ Range: 'bytes=262100-262200' });
  expect([middle.status, middle.header('Content-Range')]).toEqual([
    206,
    `bytes 262100-262200/${LARGE_BYTES}`,
  ]);
  expect(middle.body.equals(large.subarray(262100, 262201))).toBe(true);
  const rest = await get({ Range: 'bytes=100-', 'If-Range': '"v1"' });
  expect([rest.status, rest.body.equals(large.subarray(100))]).toEqual([206, true]);
  const last = await get({ Range: 'bytes=-5' });
  expect([last.status, last.body.equals(large.subarray(-5))]).toEqual([206, true]);
  const changed = await get({ Range: 'bytes=100-', 'If-Range': '"v0"' });
  expect([changed.status, changed.body.equals(large)]).toEqual([200, true]);
  const beyond = await get({ Range: `bytes=${LARGE_BYTES}-` });
  expect([beyond.status, beyond.header('Content-Range')]).toEqual([416, `bytes */${LARGE_BYTES}`]);
  const several = await get({ Range: 'bytes=0-1,5-6' });
  expect([several.status, several.body.length]).toEqual([200, LARGE_BYTES]);
  const header = await stack().poll(path, id, {});
  expect([header.status, header.body.length]).toEqual([200, LARGE_BYTES]);
});

test('a large result that can be read once is read once', async () => {
  stack().upstream.script('/once/large', reply({ body: large }));
  const { id } = await stack().submit('/once/large', { method: 'POST', body: 'a' });
  await until('the job to settle', async () => {
    const status = await stack().request(`/once/large?async-id=${id}`);
    return status.status === 303;
  });
  const reads = await Promise.all(Array.from({ length: 10 }, () => stack().poll('/once/large', id)));

  expect(reads.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 410)]);
  expect(reads.find(({ status }) => status === 200)?.body.equals(large)).toBe(true);
  await until('the result to be gone', async () => {
    const keys = await stack().redis.keys();
    return !keys.some((key) => key.includes(`{${id}}:res`));
  });
});

test('a route with no service tells a result that it cannot carry, and gives its parts', async () => {
  stack().upstream.script('/shared/a', reply({ body: large }));
  const { id } = await stack().submit('/shared/a');
  await stack().settled('/shared/a', id);
  const whole = await stack().request(resultUrl('/alone/a', id));
  const part = await stack().request(resultUrl('/alone/a', id), { headers: { Range: 'bytes=300000-' } });

  expect([whole.status, whole.json()['type']]).toEqual([
    502,
    'urn:problem:async-request-reply:response-too-large',
  ]);
  expect(whole.header('X-Async-Kong-Id')).toBe(id);
  expect([part.status, part.body.equals(large.subarray(300_000))]).toEqual([206, true]);
});

test.each(['cached', 'cached-large'])(
  'two jobs of route %s are never mixed by a cache behind the plugin',
  async (route) => {
    const path = `/${route}/a`;
    const headers = { 'Content-Type': 'text/plain', 'Cache-Control': 'public, max-age=60' };
    stack().upstream.script(path, reply({ headers, body: 'one' }), reply({ headers, body: 'two' }));
    const first = await stack().submit(path);
    await stack().settled(path, first.id);
    const second = await stack().submit(path);
    await stack().settled(path, second.id);

    for (const [{ id }, body] of [
      [first, 'one'],
      [second, 'two'],
      [first, 'one'],
      [second, 'two'],
    ] as const) {
      expect((await stack().poll(path, id)).text).toBe(body);
      expect((await stack().request(resultUrl(path, id))).text).toBe(body);
    }
  },
);

describe('what is over the limit', () => {
  test('is 413 before it is sent, where it says its length', async () => {
    const response = await stack().request('/small/declared', {
      method: 'POST',
      body: Buffer.alloc(100_001),
    });
    expect([response.status, response.json()['type']]).toEqual([
      413,
      'urn:problem:async-request-reply:body-too-large',
    ]);
  });

  test('is 413 where it does not, and leaves nothing behind', async () => {
    const before = await stack().redis.keys();
    const response = await stack().request('/small/chunked', { method: 'POST', chunks: [large] });
    expect(response.status).toBe(413);
    const left = (await stack().redis.keys()).filter((key) => !before.includes(key));
    expect(left.filter((key) => /:(req|job|open|places)$/.test(key))).toEqual([]);
    expect(stack().upstream.callsTo('/small/chunked')).toEqual([]);
  });

  test('fails the job as a response, and leaves nothing of it', async () => {
    stack().upstream.script('/small/response', reply({ body: large }));
    const { id } = await stack().submit('/small/response', { method: 'POST', body: 'a' });
    const end = await stack().settled('/small/response', id);
    expect([end.status, end.json()['type']]).toEqual([
      502,
      'urn:problem:async-request-reply:response-too-large',
    ]);
    expect((await stack().redis.keys()).filter((key) => key.includes(`{${id}}:res`))).toEqual([]);
  });
});

describe('the listener', () => {
  const port = async (): Promise<number> =>
    Number(/"port":(\d+)[^\n]*handoff listener started/.exec(await stack().gateway.log())?.[1]);

  test.each([
    ['nobody wrote', {}],
    ['a stranger wrote', { 'X-Async-Kong-Handoff': randomBytes(200).toString('base64url') }],
    ['is empty', { 'X-Async-Kong-Handoff': '' }],
  ])('refuses a note that %s', async (_who, headers) => {
    const client = new HttpClient(await port());
    const response = await client.request('/jobs/x', { method: 'POST', body: 'a', headers });
    expect([response.status, response.json()['type']]).toEqual([
      403,
      'urn:problem:async-request-reply:handoff-refused',
    ]);
  });

  test('is not reached by a client that has its note taken away', async () => {
    const headers = { Connection: 'X-Async-Kong-Handoff, close' };
    const response = await stack().request('/jobs/nominated', { method: 'POST', body: large, headers });
    expect(response.status).toBe(403);
    expect(stack().upstream.callsTo('/jobs/nominated')).toEqual([]);
  });

  test('heeds no note of a client', async () => {
    const headers = { 'X-Async-Kong-Handoff': 'mine' };
    const { id } = await stack().submit('/jobs/own-note', { method: 'POST', body: large, headers });
    expect((await stack().settled('/jobs/own-note', id)).status).toBe(200);
  });
});
