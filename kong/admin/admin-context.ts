// The context of the subcommands: one connection to Redis. It has the same options as the access side's, so that a
// command fails instead of waiting if Redis does not respond.
import { QueueIndex } from '../../plugins/async-request-reply/queue/queue-index';
import type { RedriveContext } from '../../plugins/async-request-reply/queue/redrive-job';
import { openScheduler, type Scheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { AccessStore } from '../../plugins/async-request-reply/accept/access-store';
import {
  openAccessClient,
  whenReady,
  withinTimeLimit,
} from '../../plugins/async-request-reply/redis/redis-client';
import type { ProcessSettings } from '../../schemas/generated/process-settings-type';
import { CommandError } from './report';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';

export interface AdminContext extends RedriveContext {
  readonly settings: ProcessSettings;
  readonly access: AccessStore;
  readonly close: () => Promise<void>;
}

/** @throws CommandError if Redis cannot be reached. */
export async function openAdmin(settings: ProcessSettings): Promise<AdminContext> {
  const keys = new KeySpace(settings.redis.key_prefix);
  let lastError: Error | undefined;
  const redis = openAccessClient(settings.redis, (error) => (lastError = error));
  const access = new AccessStore(redis, keys, settings.redis.read_timeout);
  const schedulers = new Map<string, Scheduler>();
  const scheduler = (queue: string): Scheduler => {
    let known = schedulers.get(queue);
    if (known === undefined) {
      known = openScheduler(redis, keys, queue, true);
      schedulers.set(queue, known);
    }
    return known;
  };
  const close = async (): Promise<void> => {
    await Promise.allSettled([...schedulers.values()].map((open) => open.close()));
    await access.close();
  };
  try {
    await withinTimeLimit(settings.redis.connect_timeout, () => whenReady(redis));
  } catch (error) {
    await close();
    const why = lastError === undefined ? '' : `: ${lastError.message || lastError.name}`;
    throw new CommandError(1, `Redis does not respond${why}`, { cause: error });
  }
  return {
    settings,
    redis,
    keys,
    access,
    scheduler,
    close,
    jobs: access.jobs,
    index: new QueueIndex(redis, keys),
  };
}

/** The current time by the clock of Redis, which also sets the times in the records. */
export async function redisNowMs({ redis }: Pick<AdminContext, 'redis'>): Promise<number> {
  const [seconds = 0, micros = 0] = await redis.time();
  return seconds * 1000 + Math.floor(micros / 1000);
}
