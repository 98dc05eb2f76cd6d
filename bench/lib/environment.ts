// Describes the machine and the versions that figures were measured with.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Gateway } from '../../spec/helpers/gateway';
import type { RedisServer } from '../../spec/helpers/redis-server';
import { redisInfo } from './processes';
import { requireWrk } from './wrk';

const ROOT = path.join(__dirname, '../..');

export interface Environment {
  /** `Kong 3.9.3`, or the emulator, which is not Kong. */
  readonly gateway: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: {
    readonly cores: number;
    readonly cpu: string;
    readonly memoryGiB: number;
    /** Of the last minute, before the first measurement. */
    readonly loadAverage: number;
  };
}

/** @param gateway null if the benchmark needs none */
export async function describeEnvironment(gateway: Gateway | null, redis: RedisServer): Promise<Environment> {
  return {
    gateway: gateway === null ? 'none' : gatewayName(gateway),
    versions: {
      plugin: `${packageVersion('.')} ${commit()}`,
      node: process.version,
      redis: await redisInfo(redis, 'redis_version'),
      'kong-pdk': packageVersion('node_modules/kong-pdk'),
      bullmq: packageVersion('node_modules/bullmq'),
      wrk: requireWrk(),
    },
    machine: {
      cores: os.availableParallelism(),
      cpu: os.cpus()[0]?.model ?? 'unknown',
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
      loadAverage: os.loadavg()[0] ?? NaN,
    },
  };
}

function gatewayName(gateway: Gateway): string {
  return gateway.kind === 'emulator' ? 'the Kong emulator (no real Kong)' : `Kong ${gateway.version}`;
}

function packageVersion(folder: string): string {
  const manifest = readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The commit; with `+` if the plugin's sources differ from it. */
function commit(): string {
  const git = (...args: string[]): string => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' }).stdout;
  const head = git('rev-parse', '--short', 'HEAD').trim();
  const isChanged = git('status', '--porcelain', '--', 'plugins', 'kong', 'schemas') !== '';
  return head === '' ? '' : `(${head}${isChanged ? '+' : ''})`;
}
