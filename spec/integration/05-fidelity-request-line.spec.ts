// docs/http.md, "The upstream call": the request line and Host that the upstream sees are those of Kong without the plugin.
import { expectRefusedAlike, expectSameRequest } from '../helpers/fidelity/expect-alike';
import { laneRoutes, type LaneOptions, type WireRequest } from '../helpers/fidelity/lanes';
import type { Changes } from '../helpers/fidelity/views';
import { useStack } from '../helpers/use-stack';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'REPORT', 'PURGE'];
/** Path of the service's URL, `strip_path` and `path_handling`: each of the routes below has one of the mixtures. */
const SERVICE_PATHS = ['', '/base', '/base/'];
const MIXTURES = SERVICE_PATHS.flatMap((servicePath) =>
  [true, false].flatMap((strip) =>
    ['v0', 'v1'].map((handling) => {
      const name = `${strip ? 'strip' : 'keep'}-${SERVICE_PATHS.indexOf(servicePath)}-${handling}`;
      return { name, servicePath, strip, handling };
    }),
  ),
);

const stack = useStack({ routes: [{ name: 'until-the-port-is-known' }] });

beforeAll(async () => {
  const mixed = MIXTURES.map(({ name, servicePath, strip, handling }): [string, LaneOptions] => [
    name,
    {
      serviceUrl: stack().upstream.url + servicePath,
      route: { strip_path: strip, path_handling: handling },
    },
  ]);
  await stack().applyRoutes([
    ...laneRoutes('line', { config: { methods: METHODS } }),
    ...laneRoutes('host', { route: { preserve_host: true } }),
    ...laneRoutes('regex', { paths: ['~/regex/\\d+'], route: { strip_path: true } }),
    ...laneRoutes('by-name', { serviceUrl: stack().upstream.url.replace('127.0.0.1', 'localhost') }),
    ...mixed.flatMap(([name, options]) => laneRoutes(name, options)),
  ]);
});

describe('the method', () => {
  test.each(METHODS)('%s goes on', async (method) => {
    // What has no content goes without a length; where content is usual, undici says 0 (RFC 9110, 8.6).
    const saysZero = ['POST', 'PUT', 'PATCH'].includes(method);
    const changes: Changes = saysZero ? { 'content-length': ['0'] } : {};

    const { request } = await expectSameRequest(
      stack(),
      { method, target: '/line/method' },
      '/line',
      changes,
    );

    expect(request.method).toBe(method);
  });

  test.each(METHODS.filter((method) => method !== 'HEAD'))('%s goes on with content', async (method) => {
    const request = { method, target: '/line/content', body: 'content' };

    const queued = await expectSameRequest(stack(), request, '/line');

    expect(queued.request.body.toString()).toBe('content');
  });
});

describe('the path', () => {
  test.each([
    ['/line', '/line'],
    ['/line/', '/line/'],
    ['/line/a/../b', '/line/b'],
    ['/line/a/./b', '/line/a/b'],
    ['/line/a/.', '/line/a/'],
    ['/line/a/..', '/line/'],
    ['/line/a/%2e%2e/b', '/line/b'],
    ['/line/a./b.', '/line/a./b.'],
    ['/line/..a/...', '/line/..a/...'],
    ['//line//a///b//', '/line/a/b/'],
    ['/line/a%2Fb%2fc', '/line/a%2Fb%2Fc'],
    ['/line/a%20b%25', '/line/a%20b%25'],
    ['/line/%41%7e%2D', '/line/A~-'],
    ['/line/caf%C3%A9/%e2%82%ac', '/line/caf%C3%A9/%E2%82%AC'],
    ["/line/a;p=1,2:@!$&'()*+=", "/line/a;p=1,2:@!$&'()*+="],
    ['/line/[a]{b}|^`"<>\\', '/line/[a]%7Bb%7D%7C%5E%60%22%3C%3E%5C'],
  ])('of %s goes on as %s', async (target, seen) => {
    const { request } = await expectSameRequest(stack(), { target }, '/line');

    expect(request.target).toBe(seen);
  });

  describe.each(MIXTURES)('with service path "$servicePath", strip_path $strip, $handling', ({ name }) => {
    test.each(['', '/', '/a', '/a/', '//a', '/../a', 'a', '.'])(
      'of the route and "%s" goes on',
      async (rest) => {
        const target = rest === '/../a' ? `/${name}/../${name}/a` : `/${name}${rest}`;

        await expectSameRequest(stack(), { target: `${target}?q=1` }, `/${name}`);
      },
    );
  });

  test('matched by a regular expression goes on', async () => {
    const { request } = await expectSameRequest(stack(), { target: '/regex/12/a' }, '/regex/1');

    expect(request.target).toBe('/a');
  });

  test.each(['/line/%', '/line/%zz', '/line/%00', '/../line', '/line/../../a'])(
    'of %s is refused',
    async (target) => {
      await expectRefusedAlike(stack(), { target }, 400);
    },
  );
});

describe('the query', () => {
  test.each([
    '?',
    '??',
    '?a=1&a=2&b',
    '?b&a=2&a=1',
    '?a=',
    '?&&=&',
    '?%zz+%2B%20%41',
    '?a=b?c/d:e@f',
    '?a=%C3%A9&b=%ff',
    '?a[]=1&a[]=2',
    '?async=1&async-view=result',
  ])('%s goes on as it came', async (query) => {
    const { request } = await expectSameRequest(stack(), { target: `/line/query${query}` }, '/line');

    expect(request.target).toBe(`/line/query${query}`);
  });

  test('goes on without the fragment', async () => {
    const { request } = await expectSameRequest(stack(), { target: '/line/query?a#b' }, '/line');

    expect(request.target).toBe('/line/query?a');
  });
});

describe('Host', () => {
  test.each([
    'example.com',
    'Example.COM',
    'example.com:80',
    'example.com:443',
    'example.com:8080',
    '[::1]:99',
  ])('%s goes on where it is preserved', async (host) => {
    const { request } = await expectSameRequest(stack(), { target: '/host', host }, '/host');

    expect(request.header('Host')).toBe(host);
  });

  test.each(['example.com', 'example.com:8080'])('%s is replaced where it is not preserved', async (host) => {
    const { request } = await expectSameRequest(stack(), { target: '/line', host }, '/line');

    expect(request.header('Host')).toBe(`127.0.0.1:${stack().upstream.port}`);
  });

  test("is the service's name where it has one", async () => {
    const { request } = await expectSameRequest(stack(), { target: '/by-name' }, '/by-name');

    expect(request.header('Host')).toBe(`localhost:${stack().upstream.port}`);
  });
});

describe('an absolute-form target', () => {
  test.each(['/line/a?b', '/host/a?b'])(
    'goes on as %s, and its host as X-Forwarded-Host alone',
    async (target) => {
      const request = { target: `http://Other.example:81${target}`, host: 'host.example:82' };

      const queued = await expectSameRequest(stack(), request, target.slice(0, 5));

      expect(queued.request.target).toBe(target);
      expect(queued.request.header('X-Forwarded-Host')).toBe('other.example');
      const host = target.startsWith('/host') ? 'host.example:82' : `127.0.0.1:${stack().upstream.port}`;
      expect(queued.request.header('Host')).toBe(host);
    },
  );
});

describe('HTTP/1.0', () => {
  test.each<[string, WireRequest]>([
    ['without Host', { target: '/line/old', host: null }],
    ['without Host, which is to be preserved', { target: '/host', host: null }],
    ['with Host', { target: '/host', host: 'example.com' }],
    ['with content', { method: 'POST', target: '/line/old', body: 'content' }],
  ])('%s goes on', async (_what, request) => {
    const pollPath = request.target.slice(0, 5);

    const queued = await expectSameRequest(stack(), { ...request, version: '1.0' }, pollPath);

    expect(queued.request.header('Via')).toMatch(/^1(\.0)? kong/);
  });
});
