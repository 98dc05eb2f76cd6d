// The Redis under a benchmark. Every turn begins with an empty one.
import Redis from 'ioredis';
import { RedisServer } from '../../spec/helpers/redis-server';
import type { Releasers } from '../../spec/helpers/stack/releasers';
import { until } from '../../spec/helpers/until';
import { redisInfo } from './processes';

/** With an append-only file, as the plugin requires. */
export async function startRedis(releasers: Releasers): Promise<RedisServer> {
  const redis = await RedisServer.reserve();
  releasers.add(() => redis.stop());
  await redis.start();
  return redis;
}

/** A connection for many commands. */
export function connectRedis(redis: RedisServer, releasers: Releasers): Redis {
  const client = new Redis({ host: redis.host, port: redis.port, protocol: 2 });
  releasers.add(async () => void (await client.quit()));
  return client;
}

/** Removes everything, and lets the append-only file shrink now rather than in the middle of a measurement. */
export async function emptyRedis(redis: RedisServer): Promise<void> {
  await redis.command('FLUSHALL');
  await redis.command('BGREWRITEAOF');
  const isRewritten = async (): Promise<boolean> =>
    (await redisInfo(redis, 'aof_rewrite_in_progress')) === '0' &&
    (await redisInfo(redis, 'aof_rewrite_scheduled')) === '0';
  await until('the append-only file to be rewritten', isRewritten, { timeoutMs: 60_000 });
}

export async function usedMemory(redis: RedisServer): Promise<number> {
  return Number(await redisInfo(redis, 'used_memory'));
}
