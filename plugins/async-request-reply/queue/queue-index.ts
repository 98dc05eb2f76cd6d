// What a queue knows of its jobs beside BullMQ: places under the cap, and the jobs that are still open. All of it
// in the queue's slot, and all of it repeatable: the records are the truth.
import { openJobsKey, placesKey } from '../store/keys';
import type { ScriptedRedis } from '../store/scripts';

/** How long a place is held for a submit that has not yet been confirmed: far over any accept. */
const PROVISIONAL_MS = 30_000;

/** Takes a place for `id`. @returns false where `maxWaiting` places are taken. */
export async function reservePlace(
  redis: ScriptedRedis,
  prefix: string,
  queue: string,
  id: string,
  maxWaiting: number,
): Promise<boolean> {
  return (await redis.arrReserve(placesKey(prefix, queue), id, maxWaiting, PROVISIONAL_MS)) === 1;
}

/** Notes an accepted job: its place is kept and it is open, both until its deadline. */
export async function enterJob(
  redis: ScriptedRedis,
  prefix: string,
  queue: string,
  id: string,
  deadlineMs: number,
): Promise<void> {
  await redis.arrEnter(placesKey(prefix, queue), openJobsKey(prefix, queue), id, deadlineMs);
}

/** Frees the place of a job that starts. */
export async function freePlace(
  redis: ScriptedRedis,
  prefix: string,
  queue: string,
  id: string,
): Promise<void> {
  await redis.zrem(placesKey(prefix, queue), id);
}

/** Forgets a job that has settled or never was. */
export async function leaveJob(
  redis: ScriptedRedis,
  prefix: string,
  queue: string,
  id: string,
): Promise<void> {
  await Promise.all([redis.zrem(placesKey(prefix, queue), id), redis.zrem(openJobsKey(prefix, queue), id)]);
}
