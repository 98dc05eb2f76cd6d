// Queues announce themselves in Redis, with the settings of the instances that fill them; workers find them there.
import type Redis from 'ioredis';
import type { KeySpace } from '../redis/keys';
import type { JobSettings, NamedSettings } from '../jobs/job-settings';

/** A message on the control channel. */
export type ControlMessage = { kind: 'queue'; queue: string } | { kind: 'cancel'; id: string };

/**
 * Announces a queue and its settings, both for `lifeMs` from now: at least as long as a job accepted under them
 * may live.
 */
export async function registerQueue(
  redis: Redis,
  keys: KeySpace,
  queue: string,
  settings: NamedSettings,
  lifeMs: number,
): Promise<void> {
  const until = Date.now() + lifeMs;
  await Promise.all([
    redis.set(keys.settings(settings.hash), settings.text, 'PX', lifeMs),
    redis.zadd(keys.queueSettings(queue), until, settings.hash),
    redis.pexpire(keys.queueSettings(queue), lifeMs),
    redis.zadd(keys.queues(), 'GT', until, queue),
    publishControl(redis, keys, { kind: 'queue', queue }),
  ]);
}

/**
 * Keeps a queue, and the settings that one of its jobs was accepted under, for another run of that job. Where other
 * settings are in force on the queue they stay so: only a queue that has none gets these.
 *
 * @returns false where the settings are gone: no worker can run the job.
 */
export async function extendTtl(
  redis: Redis,
  keys: KeySpace,
  queue: string,
  hash: string,
  lifeMs: number,
): Promise<boolean> {
  const text = await redis.get(keys.settings(hash));
  if (text === null) {
    return false;
  }
  const now = Date.now();
  if ((await redis.zcount(keys.queueSettings(queue), now, '+inf')) === 0) {
    await registerQueue(redis, keys, queue, { hash, text }, lifeMs);
    return true;
  }
  await Promise.all([
    redis.pexpire(keys.settings(hash), lifeMs, 'GT'),
    redis.zadd(keys.queues(), 'GT', now + lifeMs, queue),
  ]);
  return true;
}

/** Tells all workers. Whoever is not listening finds out by itself, later. */
export async function publishControl(redis: Redis, keys: KeySpace, message: ControlMessage): Promise<void> {
  await redis.publish(keys.controlChannel(), JSON.stringify(message));
}

/** The queues that have been announced; a name goes when the queue is retired (worker/remove-unused-queue.ts). */
export const knownQueues = (redis: Redis, keys: KeySpace): Promise<string[]> =>
  redis.zrange(keys.queues(), 0, -1);

/** The settings that live announcements of a queue name; those that cannot be read are left out. */
export async function registeredSettings(
  redis: Redis,
  keys: KeySpace,
  queue: string,
): Promise<JobSettings[]> {
  const hashes = await redis.zrangebyscore(keys.queueSettings(queue), Date.now(), '+inf');
  const found = await Promise.all(hashes.map((hash) => readSettings(redis, keys, hash)));
  return found.filter((settings) => settings !== undefined);
}

/** One settings document, or undefined where it is gone or of a version that is not understood. */
export async function readSettings(
  redis: Redis,
  keys: KeySpace,
  hash: string,
): Promise<JobSettings | undefined> {
  const text = await redis.get(keys.settings(hash));
  if (text === null) {
    return undefined;
  }
  // Written by announce() of this program alone.
  const settings = JSON.parse(text) as JobSettings;
  return settings.version === 1 ? settings : undefined;
}

/** Reads a message of the control channel; undefined for what is not one. */
export function parseControlMessage(text: string): ControlMessage | undefined {
  try {
    const message = JSON.parse(text) as Partial<ControlMessage> | null;
    return message?.kind === 'queue' || message?.kind === 'cancel' ? (message as ControlMessage) : undefined;
  } catch {
    return undefined;
  }
}
