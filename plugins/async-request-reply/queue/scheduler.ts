// BullMQ as the scheduler: it knows a job's ID, when it may start and before which others, nothing else.
import { Queue, type JobsOptions, type QueueOptions } from 'bullmq';
import type { KeySpace } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** Events are read by nobody but a person with a dashboard; BullMQ keeps 10,000 unless told. */
const EVENTS_KEPT = 100;

/** The caller's priority where it names none: 1 is most urgent, 10 least. */
export const DEFAULT_PRIORITY = 5;

/**
 * BullMQ's priorities go to 2,097,151: ten bands for the caller's priority, in each the turns of the queue. Turns
 * start anew whenever nobody waits; where a queue is never empty for that many of them, jobs go first come, first
 * served.
 */
const RANKS_PER_BAND = 209_000;

const JOB_OPTIONS: JobsOptions = {
  // The record decides what became of a job; in BullMQ a finished job is only a key without a TTL.
  removeOnComplete: true,
  removeOnFail: true,
};

export interface Schedule {
  readonly rank: number;
  readonly priority: number;
  readonly delayMs: number;
}

/** Where a job goes that the sweep brings back: its turn is not known any more. */
export const FIRST_RANK: Schedule = { rank: 1, priority: DEFAULT_PRIORITY, delayMs: 0 };

/**
 * A BullMQ queue on a connection of the process.
 *
 * @param asGuest leaves BullMQ's own entry of the queue as it is, or absent: for whoever only looks.
 */
export function openScheduler(redis: ScriptedRedis, keys: KeySpace, queue: string, asGuest = false): Queue {
  const options: QueueOptions = {
    connection: redis,
    prefix: keys.bullPrefix(queue),
    streams: { events: { maxLen: EVENTS_KEPT } },
    skipMetasUpdate: asGuest,
  };
  const scheduler = new Queue(queue, options);
  // Errors of the connection, which its owner reports; BullMQ prints those that nobody listens to.
  scheduler.on('error', () => undefined);
  return scheduler;
}

/** Schedules a job; nothing happens where BullMQ has it already. */
export async function schedule(scheduler: Queue, id: string, at: Schedule): Promise<void> {
  await scheduler.add('job', null, {
    ...JOB_OPTIONS,
    jobId: id,
    priority: (at.priority - 1) * RANKS_PER_BAND + Math.min(Math.max(at.rank, 1), RANKS_PER_BAND - 1),
    ...(at.delayMs > 0 && { delay: at.delayMs }),
  });
}

/** The turn behind a BullMQ priority. */
export const rankOf = (bullPriority: number): number => bullPriority % RANKS_PER_BAND;
