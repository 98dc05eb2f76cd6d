import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '../../../kong/plugin-server/parse-arguments';
import { CONTAINER_SOCKET, exitCodeOf, whileListening } from './health-check';
import { inRoot, missingPaths, packageVersion, readText, readYaml } from './files';
import { settingsFrom } from './process-settings';

interface Service {
  image: string;
  build?: { context: string; dockerfile: string; target: string };
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck: { test: string[] };
  read_only: boolean;
  cap_drop: string[];
  stop_signal?: string;
  stop_grace_period?: string;
}

const text = readText('docker-compose.yml');
const compose = readYaml<{ services: Record<string, Service>; volumes: object }>('docker-compose.yml');
const services = Object.entries(compose.services);
function service(name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}
const checkOf = (name: string): string[] => service(name).healthcheck.test.slice(1);

describe.each(services)('%s', (name, definition) => {
  test('has a health check, and what depends on it waits for that', () => {
    expect(definition.healthcheck.test[0]).toBe('CMD');
    for (const [, { depends_on: waits = {} }] of services) {
      if (name in waits) expect(waits[name]?.condition).toBe('service_healthy');
    }
  });

  test('is hardened, and has its ports on loopback alone', () => {
    expect(definition).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    for (const port of definition.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('mounts files that are here and volumes that are declared', () => {
    const sources = (definition.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
    const missing = sources.filter((source) =>
      source.startsWith('.') ? !existsSync(inRoot(source)) : !(source in compose.volumes),
    );
    expect(missing).toEqual([]);
  });

  test('builds an image of ours at the version of the package', () => {
    if (definition.build === undefined) return expect(definition.image).toMatch(/^(redis|node):\d/);
    const { dockerfile, target } = definition.build;
    expect(readText(dockerfile)).toContain(` AS ${target}\n`);
    expect(definition.image).toBe(`async-request-reply-${target}:${packageVersion}`);
  });

  test('is given only settings that exist', () => {
    expect(() => settingsFrom(definition.environment ?? {})).not.toThrow();
  });
});

test('every path of the package is one that the image has', () => {
  expect(missingPaths(text)).toEqual([]);
});

test('the plugin server listens where the image of Kong looks, and its drain is waited for', () => {
  const { command = [], stop_signal: signal, stop_grace_period: grace = '' } = service('plugin-server');
  const { kongPrefix, sockName } = parseArguments(command.slice(3));
  expect(`${kongPrefix}/${sockName}`).toBe(CONTAINER_SOCKET);
  // The image's own signal is nginx's SIGQUIT, at which Node.js ends without draining.
  expect(signal).toBe('SIGTERM');
  const drainSeconds = settingsFrom(service('plugin-server').environment ?? {}).drain_timeout_seconds;
  expect(parseInt(grace)).toBeGreaterThan(2 * drainSeconds);
  expect(parseInt(service('worker').stop_grace_period ?? '')).toBeGreaterThan(drainSeconds);
});

test('the worker reaches the Redis that kong.yml names', () => {
  const { redis } = settingsFrom(service('worker').environment ?? {});
  expect(Object.keys(compose.services)).toContain(redis.host);
  expect(readText('kong/kong.yml')).toMatch(new RegExp(`host: ${redis.host}\\s+port: ${redis.port}\\n`));
});

test('Redis keeps everything', () => {
  const { command = [] } = service('redis');
  const setting = (name: string): string | undefined => command[command.indexOf(`--${name}`) + 1];
  expect(['maxmemory-policy', 'appendonly', 'appendfsync'].map(setting)).toEqual([
    'noeviction',
    'yes',
    'everysec',
  ]);
});

describe('the health check', () => {
  test('of the plugin server tells whether its socket accepts', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'arr-check-'));
    const path = join(directory, 's');
    const command = checkOf('plugin-server').map((word) => word.replace(CONTAINER_SOCKET, path));
    expect(command.join(' ')).toContain(path);
    expect(await exitCodeOf(command)).toBe(1);
    expect(await whileListening(path, () => exitCodeOf(command))).toBe(0);
    rmSync(directory, { recursive: true });
  });

  test('of a worker tells whether it reaches Redis', async () => {
    const [codeUp, port] = await whileListening(0, async (server) => {
      const { port } = server.address() as AddressInfo;
      const env = { ARR_REDIS_HOST: '127.0.0.1', ARR_REDIS_PORT: String(port) };
      return [await exitCodeOf(checkOf('worker'), env), port];
    });
    expect(codeUp).toBe(0);
    const env = { ARR_REDIS_HOST: '127.0.0.1', ARR_REDIS_PORT: String(port) };
    expect(await exitCodeOf(checkOf('worker'), env)).toBe(1);
  });

  test('of the demo upstream asks the address that it listens on', () => {
    const { PORT, HOST } = service('demo-upstream').environment ?? {};
    expect(HOST).toBe('0.0.0.0');
    expect(checkOf('demo-upstream').join(' ')).toContain(`http://127.0.0.1:${PORT}/health`);
  });
});
