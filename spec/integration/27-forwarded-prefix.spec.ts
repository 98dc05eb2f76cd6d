// docs/http.md, "Behind another proxy": where Kong trusts a proxy that takes a prefix off the path, the links lead back through it.
import { randomUUID } from 'node:crypto';
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import type { PluginConfig } from '../helpers/stack/kong-config';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const TRUSTED = '127.0.0.2';
const LARGE = 'large '.repeat(30_000);

const shown: PluginConfig = { forwarded_prefix: true };
const template = '/jobs/{id}';

const stack = useStack({
  trustedIps: [TRUSTED],
  routes: [
    { name: 'shown', config: shown },
    { name: 'stripped', config: shown, route: { strip_path: true } },
    { name: 'hidden' },
    { name: 'elsewhere', config: { ...shown, status_url: template, queue: { name: 'elsewhere' } } },
    {
      name: 'jobs',
      config: { ...shown, intercept: 'never', status_url: template, queue: { name: 'elsewhere' } },
    },
  ],
});

/** As the proxy in front sends it: the client had `/api` before the path. */
const through = (target: string, options: RequestOptions = {}, prefix = '/api'): Promise<HttpResponse> =>
  stack().request(target, {
    localAddress: TRUSTED,
    ...options,
    headers: { 'X-Forwarded-Prefix': prefix, ...(options.headers as object) },
  });

const linksOf = (response: HttpResponse): unknown => response.json()['links'];

/** What the proxy in front takes off. */
const behind = (url: string | undefined): string => {
  expect(url).toMatch(/^\/api\//);
  return (url ?? '').slice('/api'.length);
};

describe.each([
  ['a small body', 'small'],
  ['a large body', LARGE],
])('of a submit with %s', (_size, body) => {
  test.each([
    ['shown', '/shown/x', (id: string) => `/api/shown/x?async-id=${id}`],
    ['stripped', '/stripped/x', (id: string) => `/api/stripped/x?async-id=${id}`],
    ['elsewhere', '/elsewhere/x', (id: string) => `/api/jobs/${id}`],
  ])(
    'X-Forwarded-Prefix: on route %s every link has the prefix and leads to the result',
    async (route, path, statusOf) => {
      const latch = new Latch();
      // Kong has the prefix of the upstream's path where the route strips it.
      stack().upstream.script(route === 'stripped' ? '/x' : path, heldBy(latch, reply({ body: 'done' })));

      const accepted = await through(path, { method: 'POST', body });

      expect(accepted.status).toBe(202);
      const id = accepted.header('X-Async-Kong-Id') ?? '';
      const status = statusOf(id);
      expect(accepted.header('Location')).toBe(status);
      expect(linksOf(accepted)).toMatchObject({ status });

      const pending = await through(behind(status));
      expect([pending.status, linksOf(pending)]).toEqual([200, linksOf(accepted)]);
      latch.open();
      const settled = await through(behind(status), { headers: { Prefer: 'wait=20' } });
      expect(settled.status).toBe(303);
      const result = await through(behind(settled.header('Location')));
      expect([result.status, result.text]).toEqual([200, 'done']);
    },
  );
});

test.each<[string, string, RequestOptions, string]>([
  ['a peer that Kong does not trust', '/shown/x', { localAddress: '127.0.0.1' }, '/api'],
  ['a route that does not ask for it', '/hidden/x', {}, '/api'],
  ['a prefix that is no path', '/shown/x', {}, '//evil.example'],
  ['a prefix of several', '/shown/x', {}, '/a, /b'],
  ['no prefix, with a path that the route strips', '/stripped/x', {}, ''],
])('X-Forwarded-Prefix: the links have no prefix for %s', async (_what, path, options, prefix) => {
  const response = await through(path, { method: 'POST', body: 'a', ...options }, prefix);

  const id = response.header('X-Async-Kong-Id') ?? '';
  expect([response.status, response.header('Location')]).toEqual([202, `${path}?async-id=${id}`]);
  expect(linksOf(response)).toMatchObject({ status: `${path}?async-id=${id}` });
});

describe('the same key', () => {
  const send = (key: string, headers: Record<string, string>, localAddress: string): Promise<string> =>
    stack()
      .request('/shown/keyed', {
        method: 'POST',
        body: 'a',
        localAddress,
        headers: { 'Idempotency-Key': key, ...headers },
      })
      .then((response) => response.header('X-Async-Kong-Id') ?? String(response.status));

  test.each([
    [{ 'X-Forwarded-Host': 'one.example' }, { 'X-Forwarded-Host': 'two.example' }],
    [{ 'X-Forwarded-Prefix': '/one' }, { 'X-Forwarded-Prefix': '/two' }],
  ])(
    'under %j is another key if a trusted proxy sends that, and the same key otherwise',
    async (one, two) => {
      const [trusted, other] = [randomUUID(), randomUUID()];

      expect(await send(trusted, one, TRUSTED)).not.toBe(await send(trusted, two, TRUSTED));
      expect(await send(trusted, one, TRUSTED)).toBe(await send(trusted, one, TRUSTED));
      expect(await send(other, one, '127.0.0.1')).toBe(await send(other, two, '127.0.0.1'));
    },
  );
});
