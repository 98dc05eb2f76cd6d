import type { RedisServer } from './redis-server';

/** The names of all keys, and their values as Redis would write them to disk, of any type. */
export async function redisContents(redis: RedisServer): Promise<string> {
  await redis.command('CONFIG', 'SET', 'rdbcompression', 'no');
  const keys = await redis.keys();
  // What goes meanwhile is null.
  const dumps = await Promise.all(keys.map((key) => redis.command('DUMP', key)));
  return [...keys, ...dumps.map(String)].join('\n');
}
