// BullMQ as the scheduler. It knows the ID of a job, when it may start, and its priority, nothing else.
import { Queue, type JobsOptions, type QueueOptions } from 'bullmq';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';

/** BullMQ's side of a queue, as the other rooms and programs name it. */
export type Scheduler = Queue;

/** Only dashboards read the events. BullMQ's default is 10,000. */
const EVENTS_KEPT = 100;

/** The priority of a request that names none: 1 is most urgent, 10 least. */
export const DEFAULT_PRIORITY = 5;

/**
 * BullMQ's priorities go up to 2,097,151: ten bands for the caller's priority, and in each band the fair ranks of the queue. Ranks
 * start again at 1 when no job waits. If a queue never empties for that many ranks, jobs start first come, first served.
 */
const RANKS_PER_BAND = 209_000;

const JOB_OPTIONS: JobsOptions = {
  // The record has the outcome of a job. In BullMQ a finished job would only be a key without a TTL.
  removeOnComplete: true,
  removeOnFail: true,
};

export interface Schedule {
  readonly rank: number;
  readonly priority: number;
  readonly delayMs: number;
}

/** The schedule of a job that the sweeper schedules again: its rank is not known any more. */
export const FIRST_RANK: Schedule = { rank: 1, priority: DEFAULT_PRIORITY, delayMs: 0 };

/**
 * A BullMQ queue on a connection of the process.
 *
 * @param asGuest does not create or change BullMQ's own entry of the queue: for readers.
 */
export function openScheduler(redis: RedisClient, keys: KeySpace, queue: string, asGuest = false): Queue {
  const options: QueueOptions = {
    connection: redis,
    prefix: keys.bullPrefix(queue),
    streams: { events: { maxLen: EVENTS_KEPT } },
    skipMetasUpdate: asGuest,
  };
  const scheduler = new Queue(queue, options);
  // The owner of the connection reports its errors. Without a listener BullMQ prints them.
  scheduler.on('error', () => undefined);
  return scheduler;
}

/** Schedules a job. Does nothing if BullMQ has it already. */
export async function schedule(scheduler: Queue, id: string, at: Schedule): Promise<void> {
  await scheduler.add('job', null, {
    ...JOB_OPTIONS,
    jobId: id,
    priority: (at.priority - 1) * RANKS_PER_BAND + Math.min(Math.max(at.rank, 1), RANKS_PER_BAND - 1),
    ...(at.delayMs > 0 && { delay: at.delayMs }),
  });
}

/** The rank behind a BullMQ priority. */
export const rankOf = (bullPriority: number): number => bullPriority % RANKS_PER_BAND;
