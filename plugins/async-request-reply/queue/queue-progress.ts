// What a poll reads from Redis beside the record.
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import type { QueueProgress } from './queue-outcomes';
import { queueProgress } from './queue-scripts';

export async function readQueueProgress(
  redis: RedisClient,
  keys: KeySpace,
  { id, queue, createdAt }: { readonly id: string; readonly queue: string; readonly createdAt: number },
): Promise<QueueProgress> {
  return queueProgress(redis, { keys, queue, id, createdAt });
}

/** Records a poll. @returns false if another poll was recorded less than `intervalMs` ago; that one stays in force. */
export async function recordPoll(
  redis: RedisClient,
  keys: KeySpace,
  id: string,
  intervalMs: number,
): Promise<boolean> {
  return (await redis.set(keys.polled(id), '1', 'PX', intervalMs, 'NX')) === 'OK';
}
