// Redis between two turns: every turn begins with the same one.
import type { RedisServer } from '../../spec/helpers/redis-server';
import { until } from '../../spec/helpers/until';
import { redisInfo } from './processes';

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
