// A queue limits the bytes of bodies that it stores, on the inline and the handoff path. Deleted bodies free their bytes.
import { randomBytes } from 'node:crypto';
import { runAdmin, type CommandResult } from '../helpers/admin-command';
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { reply, silence } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const SMALL_BYTES = 60_000;
const LARGE_BYTES = 200_000;
const RESULT_BYTES = 100_000;

const queue = (name: string, bytes: number) => ({ queue: { name, max_stored_bytes: bytes } });

const stack = useStack({
  routes: [
    { name: 'buffered', config: queue('buffered', SMALL_BYTES * 1.5) },
    { name: 'streamed', config: queue('streamed', LARGE_BYTES * 1.5) },
    { name: 'chunked', route: { request_buffering: false }, config: queue('chunked', LARGE_BYTES * 1.5) },
    { name: 'results', config: queue('results', RESULT_BYTES) },
    { name: 'once', config: { ...queue('once', RESULT_BYTES), delete_after_read: true } },
    {
      name: 'sent',
      config: {
        ...queue('sent', RESULT_BYTES),
        delete_after_read: true,
        handoff: { response_threshold_bytes: 0 },
      },
    },
    { name: 'short', config: { ...queue('short', RESULT_BYTES), result_ttl_seconds: 1 } },
    {
      name: 'again',
      config: { ...queue('again', 0), retry: { backoff_ms: 3_600_000, max_backoff_ms: 3_600_000 } },
    },
  ],
});

const large = randomBytes(LARGE_BYTES);
const result = randomBytes(RESULT_BYTES);

const admin = (...args: string[]): Promise<CommandResult> =>
  runAdmin(args, { ARR_REDIS_PORT: String(stack().redis.port), ARR_KEY_PREFIX: stack().keyPrefix });

const storedBytes = async (name: string): Promise<number> =>
  Number(await stack().redis.command('HGET', `${stack().keyPrefix}:{${name}}:bytes`, 'total'));

const counted = (name: string, bytes: number): Promise<unknown> =>
  until(`${bytes} bytes to be counted`, async () => (await storedBytes(name)) === bytes);

function expectRefused(response: HttpResponse): void {
  const { type, detail } = response.json<{ type: string; detail: string }>();
  expect([response.status, type]).toEqual([503, 'urn:problem:async-request-reply:queue-full']);
  expect(detail).toContain('bytes');
  expect(response.header('Retry-After')).toMatch(/^([1-9]|[1-5]\d|60)$/);
}

/** Sends a request again and again until it is accepted; before, it is refused for the bytes. */
const accepted = (target: string, options: RequestOptions): Promise<unknown> =>
  until('the request to be accepted', async () => {
    const response = await stack().request(target, options);
    if (response.status !== 202) expectRefused(response);
    return response.status === 202;
  });

/** A job with a result of as many bytes as its queue may have. */
async function fill(route: string): Promise<{ path: string; id: string }> {
  const path = `/${route}/full`;
  stack().upstream.script(path, reply({ body: result }));
  const { id } = await stack().submit(path);
  return { path, id };
}

test.each<[string, RequestOptions]>([
  ['buffered', { body: large.subarray(0, SMALL_BYTES) }],
  ['streamed', { body: large }],
  ['chunked', { chunks: [large.subarray(0, 1000), large.subarray(1000)] }],
])(
  'route %s rejects a body over max_stored_bytes, stores nothing of it, and accepts it once bytes are free',
  async (route, body) => {
    const [first, second] = [`/${route}/first`, `/${route}/second`];
    stack().upstream.script(first, silence());
    const { id } = await stack().submit(first, { method: 'POST', ...body });
    await stack().upstream.called(first);
    expectRefused(await stack().request(second, { method: 'POST', ...body }));
    const keys = await stack().redis.keys();

    expect(keys.filter((key) => key.endsWith(':req'))).toEqual([`${stack().keyPrefix}:{${id}}:req`]);
    expect(stack().upstream.callsTo(second)).toEqual([]);
    expect((await stack().poll(first, id, { method: 'DELETE' })).status).toBe(202);
    await accepted(second, { method: 'POST', ...body });
    await stack().upstream.called(second);
    await counted(route, 0);
  },
);

test('a body larger than max_stored_bytes is 413', async () => {
  const body = large.subarray(0, SMALL_BYTES * 1.5 + 1);
  const response = await stack().request('/buffered/never', { method: 'POST', body });

  expect([response.status, response.json()['type']]).toEqual([
    413,
    'urn:problem:async-request-reply:body-too-large',
  ]);
});

test('results count until they are purged, and the admin command shows how many bytes they are', async () => {
  await fill('results');
  await counted('results', RESULT_BYTES);
  expectRefused(await stack().request('/results/a'));
  const { queues } = JSON.parse((await admin('queues', '--json')).stdout) as { queues: { queue: string }[] };

  expect(queues.find((one) => one.queue === 'results')).toMatchObject({ stored_bytes: RESULT_BYTES });
  expect((await admin('queues')).stdout).toMatch(/ STORED [^]*\nresults .* 97\.7 KiB /);
  expect((await admin('purge', '--queue', 'results', '--yes')).code).toBe(0);
  expect((await stack().request('/results/a')).status).toBe(202);
});

test.each(['once', 'sent'])(
  'a result of route %s with delete_after_read counts until it is read',
  async (route) => {
    const { path, id } = await fill(route);
    await counted(route, RESULT_BYTES);
    expectRefused(await stack().request(`/${route}/a`));

    expect((await stack().poll(path, id)).body.equals(result)).toBe(true);
    await accepted(`/${route}/a`, {});
  },
);

test('an expired result is no longer counted', async () => {
  const { path, id } = await fill('short');
  await stack().settled(path, id);
  await accepted('/short/a', {});
});

test('a response that is kept until the next attempt is counted', async () => {
  stack().upstream.script('/again/a', reply({ status: 503, body: result }));
  const { id } = await stack().submit('/again/a', { method: 'PUT', body: 'body' });
  await counted('again', RESULT_BYTES + 4);

  expect((await stack().request(`/again/a?async-id=${id}`, { method: 'DELETE' })).status).toBe(204);
  await counted('again', 0);
});

test('nothing is counted once all jobs are deleted, and the doctor finds no fault with the count', async () => {
  await stack().roundTrip('/results/last', { method: 'POST', body: 'a' });
  const doctor = (await admin('doctor', '--json')).stdout;
  expect((await admin('purge', '--all', '--force', '--yes')).code).toBe(0);

  await until('nothing to be counted', async () => {
    const keys = await stack().redis.keys();
    return !keys.some((key) => /:(stored|bytes)$/.test(key));
  });
  expect(doctor).not.toMatch(/:(stored|bytes)\b/);
});
