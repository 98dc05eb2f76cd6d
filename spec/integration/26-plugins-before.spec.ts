// docs/kong.md, "Plugins before ours": polls, cancels and links go by what the client sent, the upstream's call by what plugins
// of higher priority made of it.
import { randomUUID } from 'node:crypto';
import type { HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import type { PluginConfig, RouteOptions } from '../helpers/stack/kong-config';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Larger than what goes without a handoff, in both directions. */
const LARGE = 'large '.repeat(30_000);

const transformed = (name: string, transformer: object, config: PluginConfig = {}): RouteOptions => ({
  name,
  config: { methods: METHODS, ...config },
  plugins: [{ name: 'request-transformer', config: transformer }],
});

const stack = useStack({
  routes: [
    ...METHODS.map((method) => transformed(`to-${method.toLowerCase()}`, { http_method: method })),
    transformed('query', { remove: { querystring: ['async-id'] }, add: { querystring: ['added:1'] } }),
    transformed('renamed', { rename: { headers: ['X-Job:X-Async-Kong-Id'] } }),
    transformed('elsewhere', { replace: { uri: '/somewhere/else' } }),
    transformed('preferred', { add: { headers: ['Prefer:respond-async'] } }, { intercept: 'prefer' }),
  ],
});

/** The answers at the addresses that a job has, once it is over. */
async function resultsOf(path: string, id: string, method = 'GET'): Promise<HttpResponse[]> {
  await stack().settled(path, id);
  return [
    await stack().poll(path, id, { method }),
    await stack().request(`${path}?async-id=${id}&async-view=result`, { method }),
  ];
}

describe.each(METHODS.filter((method) => method !== 'HEAD'))(
  'a request that the client sent as %s and another plugin changed',
  (sent) => {
    test.each(METHODS)(
      'to %s is called with the new method, and polled with the original one',
      async (made) => {
        const path = `/to-${made.toLowerCase()}/${sent}`;
        stack().upstream.script(path, reply({ status: 201, body: made === 'HEAD' ? '' : 'made' }));

        const { id, response } = await stack().submit(path, { method: sent });

        expect(response.header('Location')).toBe(`${path}?async-id=${id}`);
        for (const result of await resultsOf(path, id)) {
          expect([result.status, result.text]).toEqual([201, made === 'HEAD' ? '' : 'made']);
        }
        const status = await stack().request(response.header('Location') ?? '');
        expect([status.status, status.header('Location')]).toEqual([
          303,
          `${path}?async-id=${id}&async-view=result`,
        ]);
        expect(
          stack()
            .upstream.callsOf(id)
            .map(({ method }) => method),
        ).toEqual([made]);
      },
    );
  },
);

test.each(METHODS)(
  'HEAD polls get no content and GET polls all of it if another plugin changes the method to %s',
  async (made) => {
    const path = `/to-${made.toLowerCase()}/lengths`;
    // The upstream sends no content to HEAD, and none can be replayed.
    const body = made === 'HEAD' ? '' : 'content';
    stack().upstream.script(path, reply({ body }));
    const { id } = await stack().submit(path, { method: 'POST' });

    for (const result of await resultsOf(path, id)) expect(result.text).toBe(body);
    for (const result of await resultsOf(path, id, 'HEAD')) {
      expect([result.status, result.header('Content-Length'), result.text]).toEqual([
        200,
        String(body.length),
        '',
      ]);
    }
  },
);

test.each(METHODS)('large bodies work if another plugin changes the method to %s', async (made) => {
  const path = `/to-${made.toLowerCase()}/large`;
  stack().upstream.script(path, reply({ body: LARGE }));

  const { id } = await stack().submit(path, { method: 'POST', body: LARGE });

  const content = made === 'HEAD' ? '' : LARGE;
  for (const result of await resultsOf(path, id)) expect(result.text === content).toBe(true);
  for (const result of await resultsOf(path, id, 'HEAD')) {
    // The upstream stated it, to HEAD as to the others.
    expect([result.status, result.header('Content-Length'), result.text]).toEqual([
      200,
      String(LARGE.length),
      '',
    ]);
  }
  expect(
    stack()
      .upstream.callsOf(id)
      .map(({ method, body }) => [method, body.toString() === LARGE]),
  ).toEqual([[made, true]]);
});

describe('DELETE with the header', () => {
  test('cancels a job that was sent as POST and changed to DELETE', async () => {
    const path = '/to-delete/cancelled';
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply()));
    const { id } = await stack().submit(path, { method: 'POST' });

    const cancelled = await stack().poll(path, id, { method: 'DELETE' });

    expect([202, 204]).toContain(cancelled.status);
    expect((await stack().settled(path, id)).status).toBe(410);
    latch.open();
  });

  test('polls a job that was sent as DELETE and changed to POST', async () => {
    const path = '/to-post/deleted';
    stack().upstream.script(path, reply({ body: 'deleted' }));
    const { id } = await stack().submit(path, { method: 'DELETE' });
    await stack().settled(path, id);

    const again = await stack().poll(path, id, { method: 'DELETE' });

    expect([again.status, again.text]).toEqual([200, 'deleted']);
  });
});

test('the same key with another method is another request, even if another plugin makes the methods equal', async () => {
  const send = (method: string, key: string): Promise<HttpResponse> =>
    stack().request('/to-put/keyed', { method, body: 'order', headers: { 'Idempotency-Key': key } });
  const key = randomUUID();
  const first = await send('POST', key);

  expect((await send('POST', key)).header('X-Async-Kong-Id')).toBe(first.header('X-Async-Kong-Id'));
  expect((await send('PATCH', key)).status).toBe(422);
});

test('an ID that another plugin removes from the query still makes a poll', async () => {
  const path = '/query/x';
  stack().upstream.script(path, reply({ body: 'done' }));
  const { id, response } = await stack().submit(`${path}?own=1`, { method: 'POST' });

  expect(response.header('Location')).toBe(`${path}?async-id=${id}`);
  for (const result of await resultsOf(path, id)) expect(result.text).toBe('done');
  expect(
    stack()
      .upstream.callsTo(path)
      .map(({ target }) => target),
  ).toEqual([`${path}?added=1&own=1`]);
});

test('an ID that another plugin adds as a header makes a poll', async () => {
  const path = '/renamed/x';
  stack().upstream.script(path, reply({ body: 'done' }));
  const { id } = await stack().submit(path, { method: 'POST' });
  await stack().settled(path, id);

  const response = await stack().request(path, { headers: { 'X-Job': id } });

  expect([response.status, response.text]).toEqual([200, 'done']);
});

test('a path that another plugin replaces applies to the upstream, and the links have the path of the client', async () => {
  const path = '/elsewhere/x';
  stack().upstream.script('/somewhere/else', reply({ body: 'done' }));
  const { id, response } = await stack().submit(path, { method: 'POST' });

  expect(response.header('Location')).toBe(`${path}?async-id=${id}`);
  for (const result of await resultsOf(path, id)) expect(result.text).toBe('done');
});

test('a preference that another plugin adds counts', async () => {
  const { response } = await stack().submit('/preferred/x', { method: 'POST' });

  expect(response.header('Preference-Applied')).toBe('respond-async');
});
