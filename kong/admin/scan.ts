// Goes through keys and members in windows, so that Redis is never held up; on a Cluster through every master.
import type Redis from 'ioredis';
import { isCluster, type RedisClient } from '../../plugins/async-request-reply/redis/redis-client';

/** Looked at in one go: well under a millisecond of Redis. */
const WINDOW = 500;

/** The nodes that hold keys: all masters of a Cluster, or the one. */
export const masters = (redis: RedisClient): Redis[] => (isCluster(redis) ? redis.nodes('master') : [redis]);

/**
 * Keys that match, in windows. One that is there all the time comes at least once; one may come twice.
 *
 * @param match a glob; prefixes, queue names and job IDs hold none of its characters (schemas/).
 */
export async function* scanKeys(redis: RedisClient, match: string): AsyncGenerator<string[]> {
  for (const node of masters(redis)) {
    let cursor = '0';
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', match, 'COUNT', WINDOW);
      cursor = next;
      if (keys.length > 0) {
        yield keys;
      }
    } while (cursor !== '0');
  }
}

/** Members of a sorted set, in windows, with the same promise. */
export async function* scanMembers(redis: RedisClient, key: string): AsyncGenerator<string[]> {
  let cursor = '0';
  do {
    const [next, found] = await redis.zscan(key, cursor, 'COUNT', WINDOW);
    cursor = next;
    if (found.length > 0) {
      yield found.filter((_member, index) => index % 2 === 0);
    }
  } while (cursor !== '0');
}

/** The job ID in a job's key. */
export const idInKey = (key: string): string => /\{([^{}]*)\}/.exec(key)?.[1] ?? '';
