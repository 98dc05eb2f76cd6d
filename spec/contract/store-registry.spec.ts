// The connections of the plugin server: open as long as an instance has a lease on their store.
import { StoreRegistry } from '../../plugins/async-request-reply/accept/store-registry';
import type { RedisSettings } from '../../plugins/async-request-reply/redis/redis-client';
import { resolveConfig } from '../../schemas/resolve-config';
import { RedisServer } from '../helpers/redis-server';
import { TcpProxy } from '../helpers/tcp-proxy';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

let proxy: TcpProxy;
let redis: RedisSettings;
let registry: StoreRegistry;
/** What the registry reports of the connections that are in use. */
let told: string[];

useResources(async (resources) => {
  const server = await resources.use(RedisServer.start(), (started) => started.stop());
  proxy = await resources.use(TcpProxy.start(server.port), (started) => started.close());
  redis = resolveConfig({ redis: { port: proxy.port } }).redis;
});

const start = (lingerMs: number): void => {
  told = [];
  registry = new StoreRegistry(() => undefined, lingerMs);
  registry.watcher = {
    opened: (_redis, prefix) => void told.push(`+${prefix}`),
    closed: (_redis, prefix) => void told.push(`-${prefix}`),
  };
};
afterEach(async () => {
  await registry.close();
  await until('the connections to be closed', () => !proxy.isConnected);
});

test('a store is closed with the last of its leases, and opened again for the next', async () => {
  start(0);
  const open = registry.opener(redis, 'p');
  const [first, second] = [open(), open()];
  expect(second.store).toBe(first.store);
  await until('an answer', () => first.store.answers());
  first.release();
  first.release();
  expect(await second.store.answers()).toBe(true);
  second.release();
  await until('the connection to be closed', () => !proxy.isConnected);

  const third = open();
  expect(third.store).not.toBe(first.store);
  await until('an answer of the other', () => third.store.answers());
  expect(told).toEqual(['+p', '-p', '+p']);
});

test('a new lease keeps a store that was about to be closed', async () => {
  start(3_600_000);
  const open = registry.opener(redis, 'p');
  const first = open();
  await until('an answer', () => first.store.answers());
  first.release();
  const second = open();
  expect(second.store).toBe(first.store);
  expect(told).toEqual(['+p']);
});

test('an unused Redis does not make the plugin server unready, even if its store is still open', async () => {
  start(3_600_000);
  const nobody = resolveConfig({ redis: { host: '127.0.0.1', port: 1 } }).redis;
  const { release } = registry.opener(nobody, 'p')();
  expect(await registry.silent()).toEqual(['127.0.0.1:1']);
  release();
  expect(await registry.silent()).toEqual([]);
});

test('each key prefix of a Redis has a store of its own', async () => {
  start(0);
  const one = registry.opener(redis, 'one')();
  const two = registry.opener(redis, 'two')();
  await until('an answer', () => two.store.answers());
  one.release();
  await until('the first to be closed', () => told.includes('-one'));
  expect(await two.store.answers()).toBe(true);
});
