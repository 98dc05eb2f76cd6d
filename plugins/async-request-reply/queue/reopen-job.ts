// Schedules a job again whose record says that it waits and of which BullMQ knows nothing: its submit was cut off in between, or
// Redis has lost what a worker had last written.
import type { Queue } from 'bullmq';
import type { JobRecord } from '../jobs/job-record';
import { bullJobKey } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';
import type { QueueIndex } from './queue-index';
import { FIRST_RANK, schedule } from './scheduler';

export interface ReopenContext {
  readonly redis: ScriptedRedis;
  readonly prefix: string;
  readonly index: QueueIndex;
  readonly scheduler: (queue: string) => Queue;
}

/** May be repeated; what has started meanwhile is told so by its record. */
export async function reopenJob(context: ReopenContext, record: JobRecord): Promise<void> {
  const { redis, prefix, index } = context;
  const { id, queue, owner, deadlineAt, expiresAt, createdAt } = record;
  const isWaiting = record.state === 'queued' || record.state === 'retrying';
  if (!isWaiting || (await redis.exists(bullJobKey(prefix, queue, id))) === 1) {
    return;
  }
  await Promise.all([
    schedule(context.scheduler(queue), id, FIRST_RANK),
    index.addJob(
      queue,
      id,
      owner,
      deadlineAt - createdAt,
      expiresAt - createdAt,
      record.hasCallback,
      record.requestBytes,
    ),
  ]);
}
