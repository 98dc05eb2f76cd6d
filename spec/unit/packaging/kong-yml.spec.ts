import { createRequire } from 'node:module';
import { parse } from 'yaml';
import { inRoot, readText, readYaml } from './files';
import {
  asyncRoutes,
  COMPANION,
  everyRoute,
  FAIL_CLOSED,
  PLUGIN,
  pluginOf,
  type KongConfig,
} from './kong-config';

interface Addresses {
  redis?: string;
  upstreamUrl?: string;
  keyPrefix?: string;
}
const { localConfig } = createRequire(__filename)(inRoot('kong/upstream/local-config.js')) as {
  localConfig: (addresses?: Addresses) => string;
};

const config = readYaml<KongConfig>('kong/kong.yml');
const routes = asyncRoutes(config);

describe('kong.yml', () => {
  test('has routes that take requests, one for polls, one behind key-auth and one without the plugin', () => {
    expect(routes.map(({ route, settings }) => [route.name, settings.intercept])).toEqual([
      ['reports', 'always'],
      ['orders', 'always'],
      ['jobs', 'never'],
    ]);
    expect(everyRoute(config).filter((route) => pluginOf(route, 'key-auth')).length).toBe(1);
    expect(everyRoute(config).filter((route) => !route.plugins).length).toBe(1);
  });

  test.each(routes.map(({ route }) => [route.name, route] as const))(
    'has the fail-closed guard on the route %s',
    (_, route) => {
      expect(pluginOf(route, COMPANION)?.config).toEqual(FAIL_CLOSED);
    },
  );

  test('has a poll route that knows the queues of all routes that point at it', () => {
    const pollRoute = routes.find(({ settings }) => settings.intercept === 'never');
    const pointing = routes.filter(
      ({ settings }) => settings.intercept === 'always' && settings.status_url !== undefined,
    );
    expect(pointing.length).toBeGreaterThan(0);
    for (const { settings } of pointing) {
      expect(settings.status_url).toBe(pollRoute?.settings.status_url);
      expect(pollRoute?.settings.poll_queues).toContain(settings.queue.name);
    }
    expect(pollRoute?.settings.status_url?.startsWith(`${pollRoute.route.paths[0]}/`)).toBe(true);
  });

  test('names the Redis and the upstream that docker-compose.yml starts', () => {
    const compose = readYaml<{ services: Record<string, object> }>('docker-compose.yml');
    const hosts = [
      ...routes.map(({ settings }) => settings.redis.host),
      ...config.services.map(({ url }) => new URL(url).hostname),
    ];
    expect(hosts.filter((host) => !(host in compose.services))).toEqual([]);
  });
});

describe('local-config.js', () => {
  test('changes the addresses of kong.yml and nothing else', () => {
    const local = parse(
      localConfig({ redis: '10.0.0.9:6380', upstreamUrl: 'http://10.0.0.8:9000', keyPrefix: 'demo' }),
    ) as KongConfig;
    const settings = asyncRoutes(local).map(({ settings: { redis } }) => redis);
    expect(settings).toHaveLength(routes.length);
    for (const redis of settings) {
      expect(redis).toMatchObject({ host: '10.0.0.9', port: 6380, key_prefix: 'demo' });
    }
    expect(local.services.map(({ url }) => url)).toEqual(['http://10.0.0.8:9000']);
    const text = JSON.stringify(local)
      .replaceAll('{"host":"10.0.0.9","port":6380,"key_prefix":"demo"}', '{"host":"redis","port":6379}')
      .replaceAll('http://10.0.0.8:9000', 'http://demo-upstream:8080');
    expect(JSON.parse(text)).toEqual(config);
  });

  test('keeps the default key prefix unless it is given another', () => {
    const local = parse(localConfig()) as KongConfig;
    expect(asyncRoutes(local).map(({ settings }) => settings.redis.key_prefix)).toEqual([
      'arr',
      'arr',
      'arr',
    ]);
  });
});

describe('deck.yaml', () => {
  const variables: Record<string, string> = {
    DECK_UPSTREAM_URL: 'http://demo-upstream:8080',
    DECK_REDIS_HOST: 'redis',
    DECK_REDIS_PORT: '6379',
  };
  const used = new Set<string>();
  const text = readText('kong/deck.yaml').replace(/\$\{\{ env "(\w+)" \}\}/g, (_, name: string) => {
    used.add(name);
    return variables[name] ?? '';
  });
  const deck = parse(text) as KongConfig;

  test('makes the entities of kong.yml', () => {
    const shared = deck._plugin_configs ?? {};
    for (const plugin of everyRoute(deck).flatMap((route) => route.plugins ?? [])) {
      if (plugin._config === undefined) continue;
      plugin.config = { ...shared[plugin._config], ...plugin.config };
      delete plugin._config;
    }
    const { services, consumers } = deck;
    expect({ services, routes: deck.routes, consumers }).toEqual({
      services: config.services,
      routes: config.routes,
      consumers: config.consumers,
    });
  });

  test('takes each address from a variable that its head names', () => {
    const head = text.split('_format_version')[0] ?? '';
    expect([...used].sort()).toEqual(Object.keys(variables).sort());
    for (const name of used) expect(head).toContain(`${name}=`);
  });

  test('does not change other entities of the same Kong', () => {
    expect(deck._info?.select_tags).toEqual([PLUGIN]);
  });
});
