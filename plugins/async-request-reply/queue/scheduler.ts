// BullMQ as the scheduler: it knows a job's ID and when it may start, nothing else.
import { Queue, type JobsOptions, type QueueOptions } from 'bullmq';
import { bullPrefix } from '../store/keys';
import type { ScriptedRedis } from '../store/scripts';

/** Events are read by nobody but a person with a dashboard; BullMQ keeps 10,000 unless told. */
const EVENTS_KEPT = 100;

const JOB_OPTIONS: JobsOptions = {
  // The record decides what became of a job; in BullMQ a finished job is only a key without a TTL.
  removeOnComplete: true,
  removeOnFail: true,
};

/** A BullMQ queue on a connection of the process. */
export function openScheduler(redis: ScriptedRedis, prefix: string, queue: string): Queue {
  const options: QueueOptions = {
    connection: redis,
    prefix: bullPrefix(prefix, queue),
    streams: { events: { maxLen: EVENTS_KEPT } },
  };
  return new Queue(queue, options);
}

/** Schedules a job; nothing happens where BullMQ has it already. */
export async function schedule(scheduler: Queue, id: string, delayMs = 0): Promise<void> {
  await scheduler.add('job', null, { ...JOB_OPTIONS, jobId: id, ...(delayMs > 0 && { delay: delayMs }) });
}
