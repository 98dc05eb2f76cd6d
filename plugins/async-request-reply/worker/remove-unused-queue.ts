// Removes what BullMQ keeps of a queue that nobody announces any more: its keys have no TTL.
import type { Queue } from 'bullmq';
import { openScheduler } from '../queue/scheduler';
import type { WorkerContext } from './worker-context';

/** The queues whose announcement has lapsed and in which no job is open and nobody waits for a callback: nobody needs them. */
export async function unusedQueues({
  redis,
  keys,
}: Pick<WorkerContext, 'redis' | 'keys'>): Promise<string[]> {
  const lapsed = await redis.zrangebyscore(keys.queues(), '-inf', Date.now());
  const left = await Promise.all(
    lapsed.map(async (queue) => {
      const [open, callbacks] = await Promise.all([
        redis.zcard(keys.openJobs(queue)),
        redis.zcard(keys.callbacks(queue)),
      ]);
      return open + callbacks;
    }),
  );
  return lapsed.filter((_queue, index) => left[index] === 0);
}

/**
 * Removes what BullMQ keeps of an unused queue, and its name. Two workers may do it at once; a job that is added
 * meanwhile is brought back by the sweep.
 */
export async function removeUnusedQueue({ redis, keys }: WorkerContext, queue: string): Promise<void> {
  const until = await redis.zscore(keys.queues(), queue);
  if (until === null || Number(until) > Date.now()) {
    return;
  }
  const scheduler: Queue = openScheduler(redis, keys, queue);
  try {
    await scheduler.obliterate({ force: true });
    // By its score: an announcement that came in between has another.
    await redis.zremrangebyscore(keys.queues(), until, until);
  } finally {
    await scheduler.close();
  }
}
