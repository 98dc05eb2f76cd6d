// Which processes make up a part of the system, for the meter.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Gateway } from '../../spec/helpers/gateway';
import type { RedisServer } from '../../spec/helpers/redis-server';

/** The processes of a gateway without its plugin server: nginx's master and workers, or the emulator. */
export function gatewayPids(gateway: Gateway): number[] {
  if (gateway.kind !== 'kong') {
    return allPids().filter((pid) =>
      commandLine(pid).includes(path.join(gateway.prefix, 'kong-emulator.json')),
    );
  }
  const master = Number(readFileSync(path.join(gateway.prefix, 'pids/nginx.pid'), 'utf8'));
  return [master, ...allPids().filter((pid) => parentOf(pid) === master)];
}

export async function redisPid(redis: RedisServer): Promise<number> {
  return Number(await redisInfo(redis, 'process_id'));
}

/** One line of Redis's INFO. @throws when there is none of that name */
export async function redisInfo(redis: RedisServer, name: string): Promise<string> {
  const info = String(await redis.command('INFO'));
  const value = new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  if (value === undefined) {
    throw new Error(`Redis's INFO has no ${name}`);
  }
  return value;
}

const allPids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Empty when the process is gone. */
function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** 0 when the process is gone. */
function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
