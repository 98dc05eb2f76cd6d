// Starts everything that the demo shows: Redis, a slow upstream, and a gateway with the plugin and its worker. It uses
// a real Kong if there is one, Docker if there is an engine, and the Kong emulator otherwise.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { startGateway } from '../../spec/helpers/gateway';
import { freePort } from '../../spec/helpers/gateway/free-port';
import { RedisServer } from '../../spec/helpers/redis-server';
import { Releasers } from '../../spec/helpers/stack/releasers';

interface DemoSystem {
  /** What answers at `url`, in words. */
  readonly gateway: string;
  readonly url: string;
  stop(): Promise<void>;
}

const ROOT = path.join(__dirname, '../..');

/** Seconds that the upstream takes: long enough to be seen, short enough to be waited for. */
const DELAY_SECONDS = '2';

export async function startDemoSystem(): Promise<DemoSystem> {
  const kong = process.env['KONG_BIN'] ?? kongInPath();
  if (kong === undefined && hasDockerEngine()) {
    return startCompose();
  }
  if (kong !== undefined) {
    process.env['KONG_BIN'] = kong;
  }
  return startHere();
}

function kongInPath(): string | undefined {
  const found = spawnSync('sh', ['-c', 'command -v kong'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

const hasDockerEngine = (): boolean =>
  spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0 &&
  spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;

async function startHere(): Promise<DemoSystem> {
  const releasers = new Releasers();
  try {
    const redis = await RedisServer.reserve();
    releasers.add(() => redis.stop());
    await redis.start();
    const port = await freePort();
    const upstream = await startUpstream(port);
    releasers.add(() => end(upstream));
    const gateway = await startGateway({
      config: localConfig({
        redis: `127.0.0.1:${String(redis.port)}`,
        upstreamUrl: `http://127.0.0.1:${String(port)}`,
      }),
      workers: 1,
    });
    releasers.add(() => gateway.stop());
    return {
      gateway:
        gateway.kind === 'kong'
          ? `a real Kong ${gateway.version}`
          : 'the Kong emulator, since there is neither a kong nor a Docker engine here',
      url: gateway.proxyUrl,
      stop: () => releasers.release(),
    };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

function localConfig(addresses: { redis: string; upstreamUrl: string }): string {
  const script = path.join(ROOT, 'kong/upstream/local-config.js');
  const made = spawnSync(process.execPath, [script, addresses.redis, addresses.upstreamUrl], {
    encoding: 'utf8',
  });
  if (made.status !== 0) {
    throw new Error(`kong.yml could not be read: ${made.stderr}`);
  }
  return made.stdout;
}

/** Resolves when the upstream listens. */
async function startUpstream(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [path.join(ROOT, 'kong/upstream/slow-upstream.js')], {
    env: { ...process.env, PORT: String(port), DELAY_SECONDS },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the demo upstream ended with ${String(code)}`)));
  });
  child.stdout.resume();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill();
  await ended;
}

function startCompose(): Promise<DemoSystem> {
  const compose = (...args: string[]): void => {
    const run = spawnSync('docker', ['compose', ...args], { cwd: ROOT, stdio: 'inherit' });
    if (run.status !== 0) {
      throw new Error(`docker compose ${args.join(' ')} failed`);
    }
  };
  compose('up', '--build', '--detach', '--wait');
  return Promise.resolve({
    gateway: 'Kong in Docker (docker-compose.yml)',
    url: 'http://127.0.0.1:8000',
    stop: () => {
      compose('down', '--volumes');
      return Promise.resolve();
    },
  });
}
