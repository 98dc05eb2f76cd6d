import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig } from '../../../schemas/resolve-config';
import { resolveSettings } from '../../../schemas/resolve-settings';
import { problemsOf } from './problems-of';

describe('resolveSettings', () => {
  test('gives every setting its default', () => {
    expect(resolveSettings({})).toEqual({
      redis: resolveConfig({}).redis,
      queues: ['*'],
      worker_threads: 1,
      lease_seconds: 15,
      stalled_check_seconds: 5,
      drain_timeout_seconds: 30,
      listen_backlog: 65535,
      socket_mode: '0600',
      log_level: 'info',
    });
  });

  test.each([
    ['ARR_REDIS_HOST', 'redis.internal', { redis: { host: 'redis.internal' } }],
    ['ARR_REDIS_PORT', '6380', { redis: { port: 6380 } }],
    ['ARR_REDIS_USERNAME', 'worker', { redis: { username: 'worker' } }],
    ['ARR_REDIS_PASSWORD', '12345', { redis: { password: '12345' } }],
    ['ARR_REDIS_SSL', 'true', { redis: { ssl: true } }],
    ['ARR_REDIS_SSL_VERIFY', 'false', { redis: { ssl_verify: false } }],
    [
      'ARR_REDIS_CLUSTER_NODES',
      '10.0.0.1:7000, [::1]:7001,redis-2',
      {
        redis: {
          cluster_nodes: [
            { ip: '10.0.0.1', port: 7000 },
            { ip: '::1', port: 7001 },
            { ip: 'redis-2', port: 6379 },
          ],
        },
      },
    ],
    ['ARR_KEY_PREFIX', 'orders', { redis: { key_prefix: 'orders' } }],
    ['ARR_QUEUES', 'reports, billing-*,', { queues: ['reports', 'billing-*'] }],
    ['ARR_WORKER_THREADS', '0', { worker_threads: 0 }],
    ['ARR_LEASE_SECONDS', '60', { lease_seconds: 60 }],
    ['ARR_STALLED_CHECK_SECONDS', '10', { stalled_check_seconds: 10 }],
    ['ARR_DRAIN_TIMEOUT_SECONDS', '0', { drain_timeout_seconds: 0 }],
    ['ARR_LISTEN_BACKLOG', '4096', { listen_backlog: 4096 }],
    ['ARR_SOCKET_MODE', '0660', { socket_mode: '0660' }],
    ['ARR_HEALTH_LISTEN', '0.0.0.0:8086', { health_listen: '0.0.0.0:8086' }],
    ['ARR_METRICS_LISTEN', '9100', { metrics_listen: '9100' }],
    ['ARR_METRICS_LISTEN', '[::1]:0', { metrics_listen: '[::1]:0' }],
    ['ARR_LOG_LEVEL', 'debug', { log_level: 'debug' }],
    ['ARR_SECRETS_FILE', '/etc/arr/secrets.json', { secrets_file: '/etc/arr/secrets.json' }],
  ])('reads %s=%s', (name, value, expected) => {
    expect(resolveSettings({ [name]: value })).toMatchObject(expected);
  });

  test('reads Sentinels', () => {
    const env = { ARR_REDIS_SENTINEL_MASTER: 'jobs', ARR_REDIS_SENTINEL_NODES: '10.0.0.1,10.0.0.2:26379' };
    expect(resolveSettings(env).redis.sentinel_nodes).toEqual([
      { host: '10.0.0.1', port: 6379 },
      { host: '10.0.0.2', port: 26379 },
    ]);
  });

  test('takes an empty variable for an absent one', () => {
    expect(resolveSettings({ ARR_REDIS_HOST: '', ARR_QUEUES: ' ', ARR_WORKER_THREADS: '' })).toEqual(
      resolveSettings({}),
    );
  });

  test('leaves other variables alone', () => {
    expect(resolveSettings({ ARR_SOMETHING_ELSE: 'x', PATH: '/bin' })).toEqual(resolveSettings({}));
  });

  test('prefers the environment to the file, and the file to the default', () => {
    const file = { redis_host: 'from-file', redis_port: 1, key_prefix: 'file', queues: ['q'] };
    const settings = resolveSettings({ ARR_REDIS_HOST: 'from-env' }, file);
    expect(settings.redis).toMatchObject({ host: 'from-env', port: 1, key_prefix: 'file' });
    expect(settings).toMatchObject({ queues: ['q'], worker_threads: 1 });
  });

  test.each([
    [{ ARR_REDIS_PORT: 'six' }, 'ARR_REDIS_PORT'],
    [{ ARR_REDIS_PORT: '65536' }, 'ARR_REDIS_PORT'],
    [{ ARR_REDIS_SSL: 'yes' }, 'ARR_REDIS_SSL'],
    [{ ARR_REDIS_CLUSTER_NODES: '10.0.0.1:x' }, 'ARR_REDIS_CLUSTER_NODES[0].port'],
    [{ ARR_QUEUES: 'a/b' }, 'ARR_QUEUES[0]'],
    [{ ARR_WORKER_THREADS: '65' }, 'ARR_WORKER_THREADS'],
    [{ ARR_LOG_LEVEL: 'verbose' }, 'ARR_LOG_LEVEL'],
    [{ ARR_HEALTH_LISTEN: 'localhost' }, 'ARR_HEALTH_LISTEN'],
    [{ ARR_HEALTH_LISTEN: ':80' }, 'ARR_HEALTH_LISTEN'],
    [{ ARR_METRICS_LISTEN: 'localhost:65536' }, 'ARR_METRICS_LISTEN'],
    [{ ARR_KEY_PREFIX: 'a:b' }, 'ARR_KEY_PREFIX'],
    [{ ARR_REDIS_SENTINEL_MASTER: 'jobs' }, 'redis_sentinel_nodes'],
    [{ ARR_LEASE_SECONDS: '4' }, 'ARR_LEASE_SECONDS'],
  ])('refuses %j by the name %s', (env, field) => {
    const problems = problemsOf(() => resolveSettings(env));
    expect(problems.map((problem) => problem.field)).toEqual([field]);
    expect(problems[0]?.message).toContain(field);
  });

  test('refuses what the file holds, by its name there, unknown names included', () => {
    const problems = problemsOf(() =>
      resolveSettings({}, { redis_hots: 'a', redis_port: '1', settings_file: 'b' }),
    );
    expect(problems.map(({ field }) => field)).toEqual(['redis_hots', 'settings_file', 'redis_port']);
  });

  test('never repeats a password', () => {
    const env = { ARR_REDIS_PASSWORD: 'hunter2-'.repeat(200), ARR_REDIS_HOST: 'redis://:hunter2-@a' };
    const problems = problemsOf(() => resolveSettings(env));
    expect(problems).toHaveLength(2);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});

describe('the settings file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arr-settings-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function write(text: string): string {
    const path = join(folder, 'settings.json');
    writeFileSync(path, text);
    return path;
  }

  test('is read where ARR_SETTINGS_FILE names it', () => {
    const path = write('{"redis_host": "from-file", "redis_sentinel_nodes": null}');
    const settings = resolveSettings({ ARR_SETTINGS_FILE: path });
    expect(settings.redis.host).toBe('from-file');
    expect(settings.settings_file).toBe(path);
  });

  test.each([
    ['{"redis_password": "hunter2",}', 'which is not JSON'],
    ['["hunter2"]', 'which is not a JSON object'],
  ])('is refused when it is %s', (text, reason) => {
    const [problem] = problemsOf(() => resolveSettings({ ARR_SETTINGS_FILE: write(text) }));
    expect(problem?.field).toBe('ARR_SETTINGS_FILE');
    expect(problem?.message).toContain(reason);
    expect(problem?.message).not.toContain('hunter2');
  });

  test('is refused when it is not there', () => {
    const [problem] = problemsOf(() => resolveSettings({ ARR_SETTINGS_FILE: join(folder, 'none.json') }));
    expect(problem?.message).toContain('cannot be read');
  });
});
