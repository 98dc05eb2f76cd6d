// Scans keys and members in windows, so that Redis is not blocked. On a Cluster it scans every master.
import type { RedisNode } from '../../plugins/async-request-reply/redis/redis-client';
import { isCluster, type RedisClient } from '../../plugins/async-request-reply/redis/redis-client';

/** Keys for one SCAN command, which takes Redis well under a millisecond. */
const WINDOW = 500;

/** The nodes that have keys: all masters of a Cluster, or the only node. */
export const masters = (redis: RedisClient): RedisNode[] =>
  isCluster(redis) ? redis.nodes('master') : [redis];

/**
 * Returns the matching keys in windows. A key that exists during the whole scan is returned at least once, possibly twice.
 *
 * @param match a glob; prefixes, queue names and job IDs contain none of its special characters (schemas/).
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

/** Returns the members of a sorted set in windows, with the same guarantee. */
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
