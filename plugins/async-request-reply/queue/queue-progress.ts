// What a poll asks of Redis beside the record.
import type { KeySpace } from '../redis/keys';
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
  keys: KeySpace,
  job: { readonly id: string; readonly queue: string; readonly createdAt: number },
): Promise<QueueProgress> {
  const [position = '', settled, windowMs, pausedMs] = await redis.arrProgress(
    keys.slots(job.queue),
    keys.bullWaiting(job.queue),
    keys.pause(job.queue),
    ...[job.id, job.createdAt],
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
  keys: KeySpace,
  id: string,
  intervalMs: number,
): Promise<boolean> {
  return (await redis.set(keys.polled(id), '1', 'PX', intervalMs, 'NX')) === 'OK';
}
