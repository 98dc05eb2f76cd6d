import { connectionKey } from '../../../plugins/async-request-reply/redis/redis-client';
import { resolveConfig } from '../../../schemas/resolve-config';

type RedisInput = Record<string, unknown>;

const place = (redis: RedisInput): string => connectionKey(resolveConfig({ redis }).redis);

describe('the connection key of a Redis', () => {
  test.each<[string, RedisInput]>([
    ['time-outs', { read_timeout: 1234, connect_timeout: 2345 }],
    ['replicas that must have a write', { min_replicas: 1 }],
    ['prefixes', { key_prefix: 'other' }],
  ])('is the same for instances with other %s', (_what, redis) => {
    expect(place(redis)).toBe(place({}));
  });

  test.each<[string, RedisInput]>([
    ['host', { host: 'other' }],
    ['port', { port: 6380 }],
    ['database', { database: 1 }],
    ['user', { username: 'other' }],
    ['password', { password: 'other' }],
    ['use of TLS', { ssl: true }],
    ['Cluster', { cluster_nodes: [{ ip: '127.0.0.1', port: 7000 }] }],
    ['Cluster on another port', { cluster_nodes: [{ ip: '127.0.0.1', port: 7001 }] }],
    ['Sentinel', { sentinel_master: 'jobs', sentinel_nodes: [{ host: 'a', port: 26379 }] }],
    ['Sentinel elsewhere', { sentinel_master: 'jobs', sentinel_nodes: [{ host: 'b', port: 26379 }] }],
  ])('differs for another %s', (_what, redis) => {
    expect(place(redis)).not.toBe(place({}));
  });
});
