// Removes BullMQ's keys of a queue that is no longer registered: they have no TTL.
import type { Queue } from 'bullmq';
import { openScheduler } from '../queue/scheduler';
import type { WorkerContext } from './worker-context';

/** Returns the queues whose registration has expired and that have no open job and no pending callback. */
export async function unusedQueues({
  redis,
  keys,
}: Pick<WorkerContext, 'redis' | 'keys'>): Promise<string[]> {
  const expired = await redis.zrangebyscore(keys.queues(), '-inf', Date.now());
  const left = await Promise.all(
    expired.map(async (queue) => {
      const [open, callbacks] = await Promise.all([
        redis.zcard(keys.openJobs(queue)),
        redis.zcard(keys.callbacks(queue)),
      ]);
      return open + callbacks;
    }),
  );
  return expired.filter((_queue, index) => left[index] === 0);
}

/**
 * Removes BullMQ's keys of an unused queue, and its registration. Two workers may do so at once. A job that is added
 * meanwhile is scheduled again by a sweep.
 */
export async function removeUnusedQueue({ redis, keys }: WorkerContext, queue: string): Promise<void> {
  const until = await redis.zscore(keys.queues(), queue);
  if (until === null || Number(until) > Date.now()) {
    return;
  }
  const scheduler: Queue = openScheduler(redis, keys, queue);
  try {
    await scheduler.obliterate({ force: true });
    // By its score: a registration that was made meanwhile has another one.
    await redis.zremrangebyscore(keys.queues(), until, until);
  } finally {
    await scheduler.close();
  }
}
