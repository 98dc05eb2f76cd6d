// What a poll asks of Redis beside the record.
import { bullWaitingKey, pauseKey, slotsKey, polledKey } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** Where a waiting job stands, and how its queue has moved since the job came. */
export interface QueueProgress {
  /** 1 is next; undefined where the job does not wait for its turn. */
  readonly position: number | undefined;
  /** Jobs of the queue that settled in the last `windowMs`, most of it in the job's own time. */
  readonly settled: number;
  readonly windowMs: number;
  /** For how long no job of the queue starts; 0: it is not held. */
  readonly pausedMs: number;
}

export async function readQueueProgress(
  redis: ScriptedRedis,
  prefix: string,
  job: { readonly id: string; readonly queue: string; readonly createdAt: number },
): Promise<QueueProgress> {
  const [position = '', settled, windowMs, pausedMs] = await redis.arrProgress(
    slotsKey(prefix, job.queue),
    bullWaitingKey(prefix, job.queue),
    pauseKey(prefix, job.queue),
    job.id,
    job.createdAt,
  );
  return {
    position: position === '' ? undefined : Number(position),
    settled: Number(settled),
    windowMs: Number(windowMs),
    pausedMs: Number(pausedMs),
  };
}

/** Takes note of a poll. @returns false where another was noted less than `floorMs` ago, which then counts on. */
export async function recordPoll(
  redis: ScriptedRedis,
  prefix: string,
  id: string,
  intervalMs: number,
): Promise<boolean> {
  return (await redis.set(polledKey(prefix, id), '1', 'PX', intervalMs, 'NX')) === 'OK';
}
