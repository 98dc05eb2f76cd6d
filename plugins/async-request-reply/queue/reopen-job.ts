// Schedules a job again whose record waits and which BullMQ does not know: its submit was cut off in between, or Redis has lost
// the last writes of a worker.
import type { Queue } from 'bullmq';
import type { JobRecord } from '../jobs/job-record';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import type { QueueIndex } from './queue-index';
import { FIRST_RANK, schedule } from './scheduler';

interface ReopenContext {
  readonly redis: RedisClient;
  readonly keys: KeySpace;
  readonly index: QueueIndex;
  readonly scheduler: (queue: string) => Queue;
}

/** May be repeated. If the job has started meanwhile, its worker learns that from the record. */
export async function reopenJob(context: ReopenContext, record: JobRecord): Promise<void> {
  const { redis, keys, index } = context;
  const { id, queue, owner, deadlineAt, expiresAt, createdAt, hasCallback, requestBytes } = record;
  const isWaiting = record.state === 'queued' || record.state === 'retrying';
  if (!isWaiting || (await redis.exists(keys.bullJob(queue, id))) === 1) {
    return;
  }
  await Promise.all([
    schedule(context.scheduler(queue), id, FIRST_RANK),
    index.addJob({
      queue,
      id,
      owner,
      deadlineMs: deadlineAt - createdAt,
      lifeMs: expiresAt - createdAt,
      hasCallback,
      requestBytes,
    }),
  ]);
}
