// The registry of queues in Redis. The access side registers each queue with the settings of the plugin instances that fill it,
// and workers find them there.
import type { JobSettings, NamedSettings } from '../jobs/job-settings';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';

/** A message on the control channel. */
type ControlMessage = { kind: 'queue'; queue: string } | { kind: 'cancel'; id: string };

interface Registration {
  readonly queue: string;
  readonly settings: NamedSettings;
  readonly lifeMs: number;
}

/**
 * Registers a queue and its settings, both for `lifeMs` from now: at least as long as a job that is accepted under them may live.
 */
export async function registerQueue(
  redis: RedisClient,
  keys: KeySpace,
  { queue, settings, lifeMs }: Registration,
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
 * Keeps a queue, and the settings that one of its jobs was accepted under, for another run of that job. If other settings are
 * in force on the queue they stay in force. Only a queue that has none gets these.
 *
 * @returns false if the settings have expired: no worker can run the job.
 */
export async function extendTtl(
  redis: RedisClient,
  keys: KeySpace,
  { queue, hash, lifeMs }: { readonly queue: string; readonly hash: string; readonly lifeMs: number },
): Promise<boolean> {
  const text = await redis.get(keys.settings(hash));
  if (text === null) {
    return false;
  }
  const now = Date.now();
  if ((await redis.zcount(keys.queueSettings(queue), now, '+inf')) === 0) {
    await registerQueue(redis, keys, { queue, settings: { hash, text }, lifeMs });
    return true;
  }
  await Promise.all([
    redis.pexpire(keys.settings(hash), lifeMs, 'GT'),
    redis.zadd(keys.queues(), 'GT', now + lifeMs, queue),
  ]);
  return true;
}

/** Notifies all workers. A worker that is not connected finds out later without the message. */
export async function publishControl(
  redis: RedisClient,
  keys: KeySpace,
  message: ControlMessage,
): Promise<void> {
  await redis.publish(keys.controlChannel(), JSON.stringify(message));
}

/** The registered queues. worker/remove-unused-queue.ts removes a queue that is no longer used. */
export const knownQueues = (redis: RedisClient, keys: KeySpace): Promise<string[]> =>
  redis.zrange(keys.queues(), 0, '-1');

/** The settings in force on a queue, without those that cannot be read. */
export async function registeredSettings(
  redis: RedisClient,
  keys: KeySpace,
  queue: string,
): Promise<JobSettings[]> {
  const hashes = await redis.zrangebyscore(keys.queueSettings(queue), Date.now(), '+inf');
  const found = await Promise.all(hashes.map((hash) => readSettings(redis, keys, hash)));
  return found.filter((settings) => settings !== undefined);
}

/** One settings document, or undefined if it has expired or its version is unknown. */
export async function readSettings(
  redis: RedisClient,
  keys: KeySpace,
  hash: string,
): Promise<JobSettings | undefined> {
  const text = await redis.get(keys.settings(hash));
  if (text === null) {
    return undefined;
  }
  // Only registerQueue() of this program writes it.
  const settings = JSON.parse(text) as JobSettings;
  return settings.version === 1 ? settings : undefined;
}

/** Reads a message of the control channel; undefined if the text is not one. */
export function parseControlMessage(text: string): ControlMessage | undefined {
  try {
    const message = JSON.parse(text) as Partial<ControlMessage> | null;
    return message?.kind === 'queue' || message?.kind === 'cancel' ? (message as ControlMessage) : undefined;
  } catch {
    return undefined;
  }
}
