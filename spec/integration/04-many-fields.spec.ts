// Requests with more header fields than Kong shows to a plugin: accepted with all of them, or not at all. What Kong's plugins
// say of the caller comes behind the client's own fields, so that a cut takes that first.
import type { HttpResponse } from '../helpers/http-client';
import type { Field } from '../helpers/http/fields';
import type { RouteOptions } from '../helpers/stack/kong-config';
import { reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const ANYONE_ID = '6a1f3f5e-63a5-4b4c-8f5c-6b1d3e0b7b02';
const KEY = 'key-of-alice';

const keyAuth = { name: 'key-auth', config: { key_names: ['apikey'], anonymous: ANYONE_ID } };
const queue = { name: 'shared' };

const routes: RouteOptions[] = [
  { name: 'bare', config: false, plugins: [keyAuth] },
  {
    name: 'short',
    config: { queue, handoff: { request_threshold_bytes: 524_288 } },
    plugins: [keyAuth],
  },
  {
    name: 'handed-off',
    config: { queue, handoff: { request_threshold_bytes: 0, response_threshold_bytes: 0 } },
    plugins: [keyAuth],
  },
];

const stack = useStack({
  routes,
  extra: {
    consumers: [
      { username: 'alice', keyauth_credentials: [{ key: KEY }] },
      { id: ANYONE_ID, username: 'anyone' },
    ],
  },
});

/** The key first, since Kong's own plugin looks at the first hundred fields alone; then `count` short fields. */
const fields = (key: string, count: number): Field[] => [
  ['apikey', key],
  ...Array.from({ length: count }, (_, index): Field => [`F${index}`, '1']),
];

/** Later patches of Kong's nginx take a thousand lines from a client (`max_headers`), and answer 494, which is sent as 400. */
const BY_NGINX = 400;

/** As many as nginx takes beside those that every request has; with what Kong's plugins add it is more than a plugin sees. */
const MANY = 995;

const OF_THE_CALLER = ['X-Consumer-ID', 'X-Consumer-Username', 'X-Anonymous-Consumer'];

/** What the upstream receives about the caller, and how many of the client's own fields it receives. */
const seen = (path: string): unknown => {
  const call = stack().upstream.callsTo(path).at(-1);
  const own = call?.fields.filter(([name]) => /^f\d+$/i.test(name)).length;
  return [...OF_THE_CALLER.map((name) => call?.header(name)), own];
};

const submit = (path: string, key: string, count: number): Promise<HttpResponse> =>
  stack().request(path, { method: 'POST', body: 'a', headers: fields(key, count) });

describe.each(['short', 'handed-off'])('on route %s', (route) => {
  test.each([
    ['a known caller', KEY],
    ['nobody', 'no-key'],
  ])('a request of %s reaches the upstream with all of its fields, or not at all', async (who, key) => {
    const isAccepted: boolean[] = [];
    const refusals = new Set<string>();
    for (let count = 980; count <= 1001; count += 1) {
      const rest = `/${encodeURIComponent(who)}/${count}`;
      const before = await stack().redis.keys();
      const response = await submit(`/${route}${rest}`, key, count);
      isAccepted.push(response.status === 202);

      if (response.status === 202) {
        await stack().upstream.called(`/${route}${rest}`);
        await submit(`/bare${rest}`, key, count);
        expect([count, seen(`/${route}${rest}`)]).toEqual([count, seen(`/bare${rest}`)]);
      } else {
        refusals.add(response.status === BY_NGINX ? 'nginx' : String(response.json()['type']));
        const left = (await stack().redis.keys()).filter((name) => !before.includes(name));
        expect(left.filter((name) => /:(req|job)$/.test(name))).toEqual([]);
        expect(stack().upstream.callsTo(`/${route}${rest}`)).toEqual([]);
      }
    }
    refusals.delete('nginx');
    expect([...refusals]).toEqual(['urn:problem:async-request-reply:too-many-header-fields']);
    expect([isAccepted[0], isAccepted.at(-1)]).toEqual([true, false]);
    expect(isAccepted.lastIndexOf(true)).toBeLessThan(isAccepted.indexOf(false));
  });

  test('a poll with more fields than that keeps the identity of its caller', async () => {
    const path = `/${route}/poll`;
    stack().upstream.script(path, reply({ body: 'result' }));
    const { id } = await stack().submit(path, { method: 'POST', body: 'a', headers: { apikey: KEY } });
    const ask = (key: string): Promise<HttpResponse> =>
      stack().request(path, { headers: [['X-Async-Kong-Id', id], ...fields(key, MANY)] });
    await stack().upstream.called(path);

    const response = await until('the job to settle', async () => {
      const answer = await ask(KEY);
      return answer.status === 202 ? null : answer;
    });

    expect([response.status, response.text]).toEqual([200, 'result']);
    expect((await ask('no-key')).status).toBe(404);
  });

  test('a DELETE with more fields than that keeps the identity of its caller', async () => {
    const path = `/${route}/delete`;
    const headers = { apikey: KEY };
    const { id } = await stack().submit(path, { method: 'POST', body: 'a', headers });
    const cancel = (key: string): Promise<HttpResponse> =>
      stack().request(`${path}?async-id=${id}`, { method: 'DELETE', headers: fields(key, MANY) });

    expect((await cancel('no-key')).status).toBe(404);
    expect([202, 204, 409]).toContain((await cancel(KEY)).status);
  });
});
