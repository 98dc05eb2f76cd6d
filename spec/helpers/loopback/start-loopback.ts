// Kong with the routes of docs/kong.md on which a worker goes through Kong again, and routes on which loopback tokens are
// captured.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startStack, type Stack } from '../stack';
import { kongConfig, type PluginConfig, type RouteOptions } from '../stack/kong-config';
import type { Releasers } from '../stack/releasers';
import { until } from '../until';
import { Upstream } from '../upstream';

export const SECRET = 'the secret of the specs: loopback';

/** The fields by which a consumer of the documented routes authenticates. */
export const ALICE = { apikey: 'alice-key' };

/** How long Kong waits for a plugin server that is frozen: longer than one on a busy machine takes. */
const PLUGIN_TIMEOUT_MS = 4000;

interface Entity {
  name?: string;
  config?: Record<string, unknown> & { upstream?: object };
  plugins?: Entity[];
  routes?: Entity[];
  targets?: { target: string }[];
}

const root = (path: string): string => readFileSync(join(__dirname, '../../..', path), 'utf8');

/** The example of docs/kong.md with addresses and secrets of this machine. */
function documented(at: { stack: Stack; targets: readonly Upstream[] }): {
  services: Entity[];
  upstreams: Entity[];
} {
  const [, text = ''] =
    /```yaml\n(_format_version[^`]*billing-loopback[^`]*)```/.exec(root('docs/kong.md')) ?? [];
  const config = parse(text) as { services: Entity[]; upstreams: Entity[] };
  const routes = config.services.flatMap((service) => service.routes ?? []);
  for (const plugin of routes.flatMap((route) => route.plugins ?? [])) {
    if (plugin.name === 'post-function') plugin.config = { access: [root('kong/fail-closed.lua')] };
    if (plugin.name === 'async-request-reply') plugin.config = ofThisMachine(plugin.config ?? {}, at.stack);
  }
  const targets = at.targets.map(({ port }) => ({ target: `127.0.0.1:${port}` }));
  return { services: config.services, upstreams: config.upstreams.map((one) => ({ ...one, targets })) };
}

const redisOf = ({ redis, keyPrefix }: Stack): object => ({
  host: redis.host,
  port: redis.port,
  key_prefix: keyPrefix,
  connect_timeout: 1000,
  read_timeout: 1000,
});

function ofThisMachine(config: NonNullable<Entity['config']>, stack: Stack): NonNullable<Entity['config']> {
  const upstream = {
    ...config.upstream,
    ...('mode' in (config.upstream ?? {}) && { url: stack.gateway.proxyUrl }),
    loopback_secret: SECRET,
  };
  return { ...config, upstream, redis: redisOf(stack) };
}

const loopback = (url: string, change: object = {}): PluginConfig => ({
  upstream: { mode: 'loopback', url, loopback_secret: SECRET },
  queue: { name: 'specs' },
  ...change,
});

/** Routes on which the loopback token is captured, and others that receive it afterwards. */
const ownRoutes = ({ upstream, gateway: { proxyUrl } }: Stack): RouteOptions[] => [
  // The worker calls the recording upstream instead of Kong, so that a spec obtains an unused loopback token.
  { name: 'caught', config: loopback(upstream.url) },
  { name: 'twice', config: loopback(upstream.url, { retry: { attempts: 2, backoff_ms: 1 } }) },
  { name: 'same', config: loopback(proxyUrl) },
  { name: 'preferred', config: loopback(proxyUrl, { intercept: 'prefer' }), isFailClosed: false },
  { name: 'polls', config: loopback(proxyUrl, { intercept: 'never' }) },
  {
    name: 'other-queue',
    paths: ['/caught'],
    route: { hosts: ['other-queue'] },
    config: loopback(upstream.url, { queue: { name: 'other' } }),
  },
  {
    name: 'other-secret',
    paths: ['/caught'],
    route: { hosts: ['other-secret'] },
    config: loopback(upstream.url, {
      upstream: { mode: 'url', url: upstream.url, loopback_secret: 'x'.repeat(32) },
    }),
  },
  { name: 'no-secret', config: { queue: { name: 'specs' } } },
  { name: 'no-secret-prefer', config: { intercept: 'prefer' }, isFailClosed: false },
  { name: 'no-secret-polls', config: { intercept: 'never' } },
  { name: 'ring', serviceUrl: proxyUrl, config: loopback(proxyUrl) },
  {
    name: 'chain',
    serviceUrl: `${proxyUrl}/ring`,
    config: loopback(proxyUrl, { queue: { name: 'chain' } }),
    route: { strip_path: true },
  },
  { name: 'hosts', config: loopback(proxyUrl), route: { hosts: ['api.example'], preserve_host: true } },
];

interface LoopbackStack {
  readonly stack: Stack;
  /** Of the Upstream that docs/kong.md has. */
  readonly targets: readonly Upstream[];
}

/** Starts all of it; what has been started ends with the resources. */
export async function startLoopback(resources: Releasers): Promise<LoopbackStack> {
  const startTarget = (): Promise<Upstream> => resources.use(Upstream.start(), (started) => started.stop());
  const targets = [await startTarget(), await startTarget()];
  // A lease that does not expire on a busy machine while a spec delays an attempt.
  const starting = startStack({
    routes: [],
    pluginTimeoutMs: PLUGIN_TIMEOUT_MS,
    env: { ARR_LEASE_SECONDS: '15' },
  });
  const stack = await resources.use(starting, (started) => started.close());
  const own = kongConfig(
    { routes: ownRoutes(stack), shared: { redis: redisOf(stack), retry: { attempts: 1 } } },
    stack.upstream.url,
  ) as { services: object[] };
  const { services, upstreams } = documented({ stack, targets });
  const direct = {
    name: 'direct',
    host: 'billing.internal',
    routes: [{ name: 'direct', paths: ['/direct'] }],
  };
  await stack.gateway.applyConfig({
    ...own,
    services: [...services, ...own.services, direct],
    upstreams,
    consumers: [{ username: 'alice', keyauth_credentials: [{ key: ALICE.apikey }] }],
  });
  await until('the Upstream to be there', async () => (await stack.request('/direct')).status === 200);
  return { stack, targets };
}
