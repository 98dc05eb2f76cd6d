// docs/http.md, "Idempotency": the same request twice is one job, also at once, and also where the gateway dies between.
import { randomUUID } from 'node:crypto';
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
import { heldBy, reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const REPEATS = 50;

const ALICE = { apikey: 'key-of-alice' };
const BOB = { apikey: 'key-of-bob' };
const keyAuth = { name: 'key-auth', config: { key_names: ['apikey'] } };

const routes = [
  { name: 'open' },
  { name: 'keyed', plugins: [keyAuth] },
  { name: 'required', config: { idempotency: { required: true } } },
  { name: 'renamed', config: { idempotency: { header: 'X-Order' } } },
  { name: 'content', plugins: [keyAuth], config: { idempotency: { from: 'content' as const } } },
  { name: 'strangers', config: { idempotency: { from: 'content' as const } } },
  { name: 'brief', config: { result_ttl_seconds: 1 } },
  { name: 'once', config: { delete_after_read: true, wait: { max_ms: 20_000 } } },
  { name: 'short', config: { idempotency: { ttl_seconds: 1 } } },
];

const stack = useStack({
  routes,
  extra: {
    consumers: [
      { username: 'alice', keyauth_credentials: [{ key: 'key-of-alice' }] },
      { username: 'bob', keyauth_credentials: [{ key: 'key-of-bob' }] },
    ],
  },
});

type Headers = Record<string, string>;

const post = (path: string, key: string | undefined, change: RequestOptions = {}): Promise<HttpResponse> =>
  stack().request(path, {
    method: 'POST',
    body: 'order',
    ...change,
    headers: { ...(key === undefined ? {} : { 'Idempotency-Key': key }), ...(change.headers as Headers) },
  });

const idOf = (response: HttpResponse): string => {
  expect([response.status, response.text]).toEqual([202, expect.any(String)]);
  return response.header('X-Async-Kong-Id') ?? '';
};

test('the same request under the same key returns the same 202 with the same ID, and starts no second job', async () => {
  const path = '/open/same';
  const latch = new Latch();
  stack().upstream.script(path, heldBy(latch, reply({ body: 'done' })));
  const key = randomUUID();
  const first = await post(path, key);
  const id = idOf(first);
  await stack().upstream.called(path);

  const repeat = await post(path, key);

  expect(idOf(repeat)).toBe(id);
  for (const name of ['Location', 'Retry-After', 'Vary', 'Cache-Control', 'Content-Type']) {
    expect(repeat.header(name)).toBe(first.header(name));
  }
  const told = repeat.json();
  expect(told).toEqual({ ...first.json(), state: 'running', attempts: 1, started_at: told['started_at'] });
  latch.open();
  expect((await stack().settled(path, id)).text).toBe('done');
  expect(idOf(await post(path, key))).toBe(id);
  expect(stack().upstream.callsTo(path)).toHaveLength(1);
  expect(stack().upstream.callsTo(path)[0]?.header('Idempotency-Key')).toBe(key);
});

test(`${REPEATS} concurrent repeats are one job`, async () => {
  const path = '/open/crowd';
  const key = randomUUID();
  const responses = await stack().client.crowd(Array<string>(REPEATS).fill(path), () => ({
    method: 'POST',
    body: 'order',
    headers: { 'Idempotency-Key': key },
  }));

  const ids = new Set(responses.map(idOf));
  expect(ids.size).toBe(1);
  await stack().settled(path, [...ids][0] ?? '');
  expect(stack().upstream.callsTo(path)).toHaveLength(1);
});

test('a large upload that is repeated, also concurrently, is one job, and the other uploads are deleted', async () => {
  const path = '/open/large';
  const key = randomUUID();
  const body = Buffer.alloc(300_000, 'order ');
  const responses = await stack().client.crowd(Array<string>(5).fill(path), () => ({
    method: 'POST',
    body,
    headers: { 'Idempotency-Key': key },
  }));
  const [id = '', ...others] = [...new Set(responses.map(idOf))];
  await stack().settled(path, id);

  expect(others).toEqual([]);
  expect(idOf(await post(path, key, { body }))).toBe(id);
  expect(problemOf(await post(path, key, { body: Buffer.concat([body, Buffer.from('x')]) }))).toEqual([
    422,
    'idempotency-key-reused',
  ]);
  expect(
    stack()
      .upstream.callsTo(path)
      .map((call) => call.body.equals(body)),
  ).toEqual([true]);
  await until('the other uploads to be gone', async () => {
    const left = (await stack().redis.keys()).filter((name) => name.endsWith(':req'));
    const sizes = await Promise.all(left.map((name) => stack().redis.command('HSTRLEN', name, '0')));
    return sizes.every((size) => Number(size) < 1000);
  });
});

describe('another request under the same key is 422 idempotency-key-reused', () => {
  test.each([
    ['another body', { body: 'other' }],
    ['no body', { body: '' }],
    ['another method', { method: 'PUT' }],
  ])('%s', async (_what, change: RequestOptions) => {
    const key = randomUUID();
    idOf(await post('/open/other?a=1', key));
    expect(problemOf(await post('/open/other?a=1', key, change))).toEqual([422, 'idempotency-key-reused']);
  });

  test.each(['/open/other', '/open/other?a=2', '/open/else?a=1'])('%s', async (target) => {
    const key = randomUUID();
    idOf(await post('/open/other?a=1', key));
    expect(problemOf(await post(target, key))).toEqual([422, 'idempotency-key-reused']);
  });
});

test('a key applies to its owner only', async () => {
  const id = idOf(await post('/keyed/a', 'short', { headers: ALICE }));
  const other = idOf(await post('/keyed/a', 'short', { headers: BOB }));

  expect(other).not.toBe(id);
  expect(idOf(await post('/keyed/a', 'short', { headers: ALICE }))).toBe(id);
});

test('a key applies to its queue only', async () => {
  const key = randomUUID();
  expect(idOf(await post('/open/a', key))).not.toBe(idOf(await post('/brief/a', key)));
});

describe('the same request to another host of the route is another request', () => {
  const ONE = 'one.example';
  const ITS_OTHER_NAMES = ['ONE.example', 'one.example:80', 'One.Example:443'];
  const OTHERS = ['two.example', 'one.example:8080', 'one.example.two.example'];

  test.each([
    ['under a key', '/open/hosts', randomUUID(), 'order'],
    ['under a key, with a large body', '/open/hosts', randomUUID(), 'order '.repeat(30_000)],
    ['of an owner, by its content', '/content/hosts', undefined, 'order'],
    ['by its content, with a large body', '/content/hosts', undefined, 'order '.repeat(30_000)],
    ['of nobody that is known, by its content', '/strangers/hosts', undefined, 'order'],
  ])('%s', async (_title, path, key, body) => {
    const send = async (host: string): Promise<string> =>
      idOf(await post(path, key, { body, headers: { ...ALICE, Host: host } }));
    const id = await send(ONE);

    for (const host of ITS_OTHER_NAMES) expect([host, await send(host)]).toEqual([host, id]);
    const ids = [id, ...(await Promise.all(OTHERS.map(send)))];
    expect(new Set(ids).size).toBe(OTHERS.length + 1);
    await until('each to reach the upstream', () =>
      ids.every((one) => stack().upstream.callsOf(one).length === 1),
    );
  });
});

describe('the key', () => {
  const plain = 'k'.repeat(32);

  test.each([
    ['a key in quotes, as in the draft, equals the same key without', `"${plain}-1"`, `${plain}-1`],
    ['with escapes is what they stand for', `"${plain}\\"\\\\2"`, `${plain}"\\2`],
    ['may have 255 characters', 'x'.repeat(255), `"${'x'.repeat(255)}"`],
    ['may have 1 character where the caller is known', '~', '"~"'],
  ])('%s', async (_title, one, other) => {
    expect(idOf(await post('/keyed/b', one, { headers: ALICE }))).toBe(
      idOf(await post('/keyed/b', other, { headers: ALICE })),
    );
  });

  test.each([
    ['empty', ''],
    ['empty in quotes', '""'],
    ['256 characters long', 'x'.repeat(256)],
    ['with a space', 'a b'],
    ['with a space in quotes', `"${plain} x"`],
    ['with a quote that does not end', `"${plain}`],
    ['with something behind the quotes', `"${plain}";a=1`],
    ['with an unknown escape', `"${plain}\\x"`],
    ['not ASCII', `${plain}\u00e9`],
  ])('an invalid key (%s) is 400 idempotency-key-invalid', async (_what, key) => {
    for (const path of ['/keyed/c', '/required/c']) {
      expect(problemOf(await post(path, key, { headers: ALICE }))).toEqual([400, 'idempotency-key-invalid']);
    }
  });

  test('a key that is sent twice is 400 idempotency-key-invalid', async () => {
    const headers: [string, string][] = [
      ['Idempotency-Key', plain],
      ['Idempotency-Key', plain],
    ];
    const response = await stack().request('/open/c', { method: 'POST', body: 'a', headers });
    expect(problemOf(response)).toEqual([400, 'idempotency-key-invalid']);
  });

  test('a key of fewer than 32 characters is 400 idempotency-key-too-short for an anonymous caller', async () => {
    expect(problemOf(await post('/open/d', 'x'.repeat(31)))).toEqual([400, 'idempotency-key-too-short']);
    idOf(await post('/open/d', 'x'.repeat(32)));
  });

  test('a missing key that the route requires is 400 idempotency-key-required', async () => {
    expect(problemOf(await post('/required/e', undefined))).toEqual([400, 'idempotency-key-required']);
    idOf(await post('/required/e', randomUUID()));
    expect(stack().upstream.callsTo('/required/e').length).toBeLessThanOrEqual(1);
  });

  test('the key is read from the header that the route names', async () => {
    const headers = { 'X-Order': 'o'.repeat(40) };
    const id = idOf(await post('/renamed/a', undefined, { headers }));
    expect(idOf(await post('/renamed/a', undefined, { headers }))).toBe(id);
    expect(idOf(await post('/renamed/a', randomUUID()))).not.toBe(id);
  });
});

test('a repeat after the result was deleted is 410 and starts no second job', async () => {
  const path = '/brief/gone';
  const key = randomUUID();
  const id = idOf(await post(path, key));
  await until('the record to go', async () => (await stack().poll(path, id)).status === 404);

  expect(problemOf(await post(path, key))).toEqual([410, 'gone']);
  expect(stack().upstream.callsTo(path)).toHaveLength(1);
});

test('a repeat after the result was read is 410 with delete_after_read', async () => {
  const path = '/once/read';
  const key = randomUUID();
  const id = idOf(await post(path, key));
  expect((await stack().settled(path, id)).status).toBe(200);

  expect(problemOf(await post(path, key))).toEqual([410, 'gone']);
  expect(stack().upstream.callsTo(path)).toHaveLength(1);
});

test('a repeat that waits returns the result of the existing job', async () => {
  const path = '/open/waits';
  stack().upstream.script(path, reply({ status: 201, body: 'made' }));
  const key = randomUUID();
  const first = post(path, key, { headers: { Prefer: 'wait=20' } });
  const repeat = await post(path, key, { headers: { Prefer: 'wait=20' } });

  expect([repeat.status, repeat.text]).toEqual([201, 'made']);
  expect(repeat.header('X-Async-Kong-Id')).toBe((await first).header('X-Async-Kong-Id'));
  expect(stack().upstream.callsTo(path)).toHaveLength(1);
});

test('an expired key of a settled job starts a new job', async () => {
  const path = '/short/again';
  const key = randomUUID();
  const first = idOf(await post(path, key));
  await stack().settled(path, first);
  const next = await until('another job', async () => {
    const id = idOf(await post(path, key));
    return id === first ? '' : id;
  });
  await stack().settled(path, next);
  expect(stack().upstream.callsTo(path)).toHaveLength(2);
});

test('an expired key of an open job returns that job', async () => {
  const path = '/short/open';
  const latch = new Latch();
  stack().upstream.script(path, heldBy(latch, reply({ body: 'done' })));
  const key = randomUUID();
  const id = idOf(await post(path, key));
  const claims = (await stack().redis.keys()).filter((name) => name.includes(':idem:'));
  await until('the time of the key to be over', async () => {
    const ends = await Promise.all(claims.map((name) => stack().redis.command('HGET', name, 'until')));
    return ends.every((end) => Number(end) < Date.now() || Number(end) > Date.now() + 5000);
  });

  expect(idOf(await post(path, key))).toBe(id);
  latch.open();
  await stack().settled(path, id);
  expect(stack().upstream.callsTo(path)).toHaveLength(1);
});

describe('from: content', () => {
  test('from: content makes one job of the same request of the same owner', async () => {
    const id = idOf(await post('/content/a?x=1', undefined, { headers: ALICE }));

    expect(idOf(await post('/content/a?x=1', 'whatever', { headers: ALICE }))).toBe(id);
    const others = [
      await post('/content/a?x=1', undefined, { headers: BOB }),
      await post('/content/a?x=2', undefined, { headers: ALICE }),
      await post('/content/a?x=1', undefined, { headers: ALICE, body: 'other' }),
      await post('/content/a?x=1', undefined, { headers: ALICE, method: 'PUT' }),
    ];
    expect(new Set([id, ...others.map(idOf)]).size).toBe(5);
  });

  test(`${REPEATS} concurrent requests are one job`, async () => {
    const path = '/content/crowd';
    const responses = await stack().client.crowd(Array<string>(REPEATS).fill(path), () => ({
      method: 'POST',
      body: 'order',
      headers: ALICE,
    }));
    expect(new Set(responses.map(idOf)).size).toBe(1);
  });

  test('from: content distinguishes anonymous callers by everything that may identify them', async () => {
    const send = (headers: Headers): Promise<HttpResponse> => post('/strangers/a', undefined, { headers });
    const one = { Authorization: 'Bearer one' };
    const id = idOf(await send(one));

    expect(idOf(await send({ ...one, Date: 'now', 'User-Agent': 'x', traceparent: 'y' }))).toBe(id);
    const others = [
      await send({}),
      await send({ Authorization: 'Bearer two' }),
      await send({ ...one, Cookie: 'session=1' }),
      await send({ ...one, 'X-Api-Key': 'k' }),
    ];
    expect(new Set([id, ...others.map(idOf)]).size).toBe(5);
  });
});
