// What the gateway makes of a configuration, of its workers and of the plugin server that it manages; seen on Kong 3.9.3,
// and with KONG_BIN.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startGateway } from '../helpers/gateway';
import { until } from '../helpers/until';
import {
  startKongFixture,
  stockPluginServer,
  withKongFixture,
  type FixtureRoute,
} from './kong-emulator-fixture/kong-fixture';
import { ScriptedServer } from './kong-emulator-fixture/scripted-server';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const WORKSPACE = '0dc6f45b-8f8d-40d2-a504-473544ee190b';
const defaults = (config?: object): FixtureRoute => ({
  plugins: [{ name: 'lab-defaults', ...(config ? { config } : {}) }],
});
const FILLED = {
  count: 3,
  flag: false,
  methods: ['GET', 'POST'],
  none: [],
  needed: { level: 7 },
  spare: { level: 8 },
};

describe('a plugin configuration', () => {
  const fixture = useKongFixture(
    {
      absent: defaults(),
      empty: defaults({}),
      given: defaults({ plain: 'é/"', count: 5, words: [], methods: [], spare: {}, rows: [{ host: 'x' }] }),
      nulls: defaults({ count: null, methods: null, needed: { level: null } }),
      named: { plugins: [{ name: 'lab-defaults', instance_name: 'one', tags: ['x'] }] },
      off: { plugins: [{ name: 'lab-defaults', enabled: false }] },
      specific: defaults({ plain: 'route' }),
    },
    {
      pluginServer: stockPluginServer('gateway-lab-defaults'),
      extra: { plugins: [{ name: 'lab-defaults', config: { plain: 'everywhere' } }] },
    },
  );

  /** What reaches the plugin of it, less Kong's own keys. */
  async function received(name: string): Promise<Record<string, unknown>> {
    const config = JSON.parse(Buffer.from((await fixture.send(name)).body, 'latin1').toString()) as Record<
      string,
      unknown
    >;
    const own = (key: string): boolean => !key.startsWith('__') && !key.endsWith('_id');
    return Object.fromEntries(Object.entries(config).filter(([key]) => own(key)));
  }

  test.each(['absent', 'empty'])('gets the defaults of the schema (%s)', async (name) => {
    expect(await received(name)).toEqual(FILLED);
  });

  test('keeps given values, also empty lists and bytes over 127', async () => {
    const given = { plain: 'é/"', count: 5, words: [], methods: [], rows: [{ host: 'x', port: 443 }] };
    expect(await received('given')).toEqual({ ...FILLED, ...given });
  });

  test('omits fields that are null, with or without a default', async () => {
    const { flag, none, spare } = FILLED;
    expect(await received('nulls')).toEqual({ flag, none, spare, needed: {} });
  });

  test('is sent with its instance_name', async () => {
    expect(await received('named')).toEqual({ ...FILLED, plugin_instance_name: 'one' });
  });

  test('of a route overrides the global one', async () => {
    expect(await received('specific')).toEqual({ ...FILLED, plain: 'route' });
    expect(await received('off')).toEqual({ ...FILLED, plain: 'everywhere' });
  });

  test('is sent with the IDs that Kong derives from names', async () => {
    const config = JSON.parse((await fixture.send('absent')).body) as Record<string, unknown>;
    const routeId = 'cf224097-0a83-51bc-858a-fffb18e9a766';
    expect(config).toMatchObject({
      route_id: routeId,
      __ws_id: WORKSPACE,
      __key__: `plugins:lab-defaults:${routeId}::::${WORKSPACE}`,
    });
    expect(config['__plugin_id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
    expect(config['service_id']).toBeUndefined();
  });

  test.each<[string, object, object]>([
    ['a number out of range', { count: 9 }, { count: 'value should be between 1 and 5' }],
    ['a value that is not among the choices', { word: 'z' }, { word: 'expected one of: a, b' }],
    ['an unknown field', { nosuch: 1 }, { nosuch: 'unknown field' }],
    ['a wrong type', { plain: 5 }, { plain: 'expected a string' }],
    ['an empty string', { plain: '' }, { plain: 'length must be at least 1' }],
    ['an invalid list element', { words: [1] }, { words: ['expected a string'] }],
    ['an invalid record in a list', { rows: [{ nope: 1 }] }, { rows: [{ nope: 'unknown field' }] }],
    ['a number in place of a record', { needed: 5 }, { needed: 'expected a record' }],
    ['a required record that is null', { needed: null }, { needed: 'required field missing' }],
  ])('is rejected for %s, and the previous one stays in force', async (_what, config, fields) => {
    const applied = fixture.gateway.applyConfig(fixture.configWith({ absent: defaults(config) }));
    const nested = JSON.stringify({ services: [{ routes: [{ plugins: [{ config: fields }] }] }] });
    await expect(applied).rejects.toThrow(nested.slice(1, -1));
    expect(await received('absent')).toEqual(FILLED);
  });

  test.each<[string, object, string]>([
    ['an unknown plugin', { plugins: [{ name: 'nosuch' }] }, "plugin 'nosuch' not enabled"],
    ['an unknown section', { foo: 1 }, 'unknown field'],
    ['a route without a matching criterion', { routes: [{ name: 'r' }] }, 'must set one of'],
    [
      'an unknown service',
      { routes: [{ name: 'r', paths: ['/r'], service: 'zz' }] },
      "invalid reference 'service: zz'",
    ],
    ['a service without a host', { services: [{ name: 's' }] }, 'required field missing'],
    [
      'an unknown field of a service',
      { services: [{ name: 's', url: 'http://a', foo: 1 }] },
      'unknown field',
    ],
  ])('is rejected for %s', async (_what, config, words) => {
    await expect(fixture.gateway.applyConfig({ _format_version: '3.0', ...config })).rejects.toThrow(words);
  });
});

describe('the emulator', () => {
  test('does not start with an unknown plugin, and reports it', async () => {
    const config = { _format_version: '3.0', plugins: [{ name: 'nosuch' }] };
    const started = startGateway({ config, pluginServer: stockPluginServer(), nginxInclude: false });
    await expect(started).rejects.toThrow("plugin 'nosuch' not enabled");
  });

  test('does not start if the dump is not JSON', async () => {
    const pluginServer = { ...stockPluginServer(), queryCommand: ['/bin/echo', 'hello'] };
    await expect(startGateway({ config: { _format_version: '3.0' }, pluginServer })).rejects.toThrow();
  });

  test('starts an instance for each worker, each with its own ID', async () => {
    const server = await ScriptedServer.start();
    const pluginServer = { ...stockPluginServer(), socketPath: server.socketPath };
    await withKongFixture(
      { lab: { lab: { mode: 'pass' } } },
      { workers: 2, pluginServer },
      async (fixture) => {
        // Which worker gets a connection is chance in a real Kong.
        await until('both workers', async () => {
          await fixture.send('lab');
          return server.count('StartInstance') === 2;
        });
      },
    );
    await server.stop();
    const numbers = server.messages.flatMap(({ method, argument }) => {
      if (method !== 'StartInstance') return [];
      return [(JSON.parse((argument as { Config: string }).Config) as { __seq__: number }).__seq__];
    });
    expect(new Set(numbers).size).toBe(2);
  });

  test('runs the plugin server in the root folder, with its own environment, and logs its output', async () => {
    const pluginServer = { ...stockPluginServer(), env: { LAB_WORD: 'a b' } };
    await withKongFixture({ lab: { lab: { mode: 'exit' } } }, { pluginServer }, async ({ gateway }) => {
      const [pid = 0, ...others] = await gateway.pluginServerPids();
      expect(others).toEqual([]);
      expect(fs.readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
      // The shell that starts it may tell it where it is.
      const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
      expect(environment.filter((entry) => entry !== 'PWD=/')).toEqual(['LAB_WORD=a b']);
      await until('its words', async () => (await gateway.log()).includes(`[arr:${pid}]`));
    });
  });

  test('leaves nothing behind when it is stopped, also when it is stopped twice', async () => {
    const fixture = await startKongFixture({ lab: { lab: { mode: 'exit' } } });
    const [pid = 0] = await fixture.gateway.pluginServerPids();
    await Promise.all([fixture.gateway.stop(), fixture.gateway.stop()]);
    await fixture.stop();
    await until('its end', () => !fs.existsSync(`/proc/${pid}`));
    expect(fs.existsSync(fixture.gateway.prefix)).toBe(false);
  });

  test('restarts a plugin server that was killed', async () => {
    await withKongFixture({ who: { lab: { mode: 'iid', message: 'x' } } }, {}, async (fixture) => {
      const [before = 0] = await fixture.gateway.pluginServerPids();
      process.kill(before, 'SIGKILL');
      await until('the next', async () => {
        const { status, body } = await fixture.send('who');
        return status === 200 && body.includes('pid') && !body.includes(String(before));
      });
    });
  });

  test('lets the old plugin server finish an event while a reload starts a new one', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lab-'));
    const release = path.join(folder, 'release');
    const routes = {
      held: { lab: { mode: 'held', message: release } },
      who: { lab: { mode: 'iid', message: 'x' } },
    };
    await withKongFixture(routes, {}, async (fixture) => {
      const pidOf = async (): Promise<number> =>
        (JSON.parse((await fixture.send('who')).body) as { pid: number }).pid;
      const before = await pidOf();
      const inFlight = fixture.send('held');
      await fixture.gateway.reload();
      expect(await fixture.gateway.pluginServerPids()).toHaveLength(2);
      expect(await pidOf()).not.toBe(before);
      fs.writeFileSync(release, '');
      expect((await inFlight).status).toBe(202);
      await until('the old one to end', () => !fs.existsSync(`/proc/${before}`));
    });
    fs.rmSync(folder, { recursive: true });
  });
});
