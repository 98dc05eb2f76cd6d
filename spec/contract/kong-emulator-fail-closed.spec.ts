// The guard of every route (kong/fail-closed.lua): it ends what the plugin neither answered nor handed to a listener
// of its own. On Kong it runs in the default sandbox for Lua; seen on Kong 3.9.3, and with KONG_BIN.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { useResources } from '../helpers/use-resources';
import {
  calling,
  startKongFixture,
  withKongFixture,
  type KongFixture,
  type FixtureRoute,
} from './kong-emulator-fixture/kong-fixture';
import { StreamUpstream } from './kong-emulator-fixture/stream-upstream';

const LUA = readFileSync(path.join(__dirname, '../../kong/fail-closed.lua'), 'utf8');
const COMPANION = { name: 'post-function', config: { access: [LUA] } };
const plugins = [COMPANION];

describe('the fail-closed guard', () => {
  let listener: StreamUpstream;
  let fixture: KongFixture;

  const services = (): [string, FixtureRoute][] => [
    ['an address', {}],
    ['a name', { service: { url: `http://localhost:${fixture.upstream.port}` } }],
    ['the address of loopback with the default port', { service: { url: 'http://127.0.0.1' } }],
    ['a name with the default port', { service: { url: 'http://localhost/path' } }],
    ['https', { service: { url: 'https://127.0.0.1' } }],
    ['https by name', { service: { url: 'https://localhost:8443' } }],
    ['an upstream', { service: { host: 'lab.upstream', protocol: 'http', url: undefined } }],
    ['a route without buffering', { route: { request_buffering: false, response_buffering: false } }],
    ['a preserved host', { route: { preserve_host: true } }],
  ];
  const KINDS = 9;

  useResources(async (resources) => {
    listener = await resources.use(StreamUpstream.start(), (started) => started.stop());
    fixture = await resources.use(startKongFixture({ plain: {} }), (started) => started.stop());
    const handed = calling(
      [
        ['service.setTarget', ['127.0.0.1', listener.port]],
        ['service.request.setScheme', ['http']],
      ],
      { passes: true },
    );
    const routes: Record<string, FixtureRoute> = {
      answers: { plugins, lab: { mode: 'exit' } },
      passes: { plugins, lab: { mode: 'pass' } },
      throws: { plugins, lab: { mode: 'throw' } },
      again: calling([['ctx.shared.set', ['async_request_reply', 'loopback']]], { passes: true, plugins }),
      signed: calling([['ctx.shared.set', ['async_request_reply', 'other']]], { passes: true, plugins }),
      strays: calling([['service.setTarget', ['127.0.0.2', listener.port]]], { passes: true, plugins }),
    };
    services().forEach(([, route], i) => {
      routes[`closed-${i}`] = { ...route, plugins };
      routes[`handed-${i}`] = { ...route, ...handed, plugins };
    });
    const upstreams = [{ name: 'lab.upstream', targets: [{ target: `127.0.0.1:${fixture.upstream.port}` }] }];
    const config = { ...fixture.configWith(routes), upstreams };
    const bare = [{ name: 'bare', paths: ['/bare'], plugins }];
    await fixture.gateway.applyConfig({ ...config, routes: bare });
  });

  afterEach(() => {
    expect(fixture.upstream.seen).toEqual([]);
    listener.arrivals.length = 0;
  });

  test('responds with problem+json', async () => {
    const response = await fixture.send('passes');
    expect([response.status, response.header('Content-Type'), response.header('Retry-After')]).toEqual([
      503,
      'application/problem+json',
      '1',
    ]);
    expect(JSON.parse(response.body)).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'The plugin server cannot be reached. Nothing was accepted.',
    });
  });

  test.each(Array.from({ length: KINDS }, (_, i) => i))(
    'rejects a request that would reach the service, and passes a handed-off one (kind %i)',
    async (i) => {
      const [kind] = services()[i] ?? [];
      // Twice: Kong compiles the function with the first request.
      for (let time = 0; time < 2; time++) {
        expect([kind, (await fixture.send(`closed-${i}`)).status]).toEqual([kind, 503]);
        expect([kind, (await fixture.send(`handed-${i}`)).status]).toEqual([kind, 200]);
      }
      expect(listener.arrivals).toHaveLength(2);
    },
  );

  test.each<[string, string, number]>([
    ['is skipped after a response', 'answers', 202],
    ['responds if the plugin throws', 'throws', 503],
    ['rejects a request whose target is another machine', 'strays', 503],
    ['responds on a route without a service', 'bare', 503],
    ['rejects a request with another value in the shared context', 'signed', 503],
  ])('%s', async (_what, route, status) => {
    const response = await fixture.send(route);
    expect([response.status, listener.arrivals.length]).toEqual([status, 0]);
    if (status === 503) expect(response.header('Content-Type')).toBe('application/problem+json');
  });

  test('passes a request with a verified loopback token', async () => {
    const headers: [string, string][] = [['async_request_reply', 'loopback']];
    expect((await fixture.send('passes', { headers })).status).toBe(503);
    expect((await fixture.send('again')).status).toBe(200);
    expect(fixture.upstream.seen.splice(0)).toHaveLength(1);
  });

  test('responds while the plugin server is down', async () => {
    await fixture.send('answers');
    const pids = await fixture.gateway.pluginServerPids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect((await fixture.send('answers')).status).toBe(503);
  });
});

test('the fail-closed guard is the only Lua that the emulator runs', async () => {
  await withKongFixture({ plain: {} }, {}, async ({ gateway, configWith }) => {
    const other = { name: 'post-function', config: { access: ['return kong.response.exit(418)'] } };
    const applied = gateway.applyConfig(configWith({ plain: { plugins: [other] } }));
    if (gateway.kind === 'emulator') await expect(applied).rejects.toThrow('the Kong emulator runs no Lua');
    else await applied;
  });
});
