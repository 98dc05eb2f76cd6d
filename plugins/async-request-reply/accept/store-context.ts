// What the parts of an access store share: one connection to Redis, with a time limit for each request, and what is kept there.
import { JobStore } from '../jobs/job-store';
import { IdempotencyStore } from '../queue/idempotency-store';
import { QueueIndex } from '../queue/queue-index';
import { QueueRegistrar } from '../queue/queue-registrar';
import { Schedulers } from '../queue/schedulers';
import { StorageQuota } from '../queue/storage-quota';
import { whenReady, withinTimeLimit } from '../redis/redis-client';
import type { ScriptedRedis } from '../redis/scripts';

export interface StoreContext {
  readonly redis: ScriptedRedis;
  readonly prefix: string;
  readonly timeLimitMs: number;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly quota: StorageQuota;
  readonly claims: IdempotencyStore;
  readonly schedulers: Schedulers;
  readonly registrar: QueueRegistrar;
}

export const storeContext = (redis: ScriptedRedis, prefix: string, timeLimitMs: number): StoreContext => ({
  redis,
  prefix,
  timeLimitMs,
  jobs: new JobStore(redis, prefix),
  index: new QueueIndex(redis, prefix),
  quota: new StorageQuota(redis, prefix),
  claims: new IdempotencyStore(redis, prefix),
  schedulers: new Schedulers(redis, prefix),
  registrar: new QueueRegistrar(redis, prefix),
});

/**
 * Runs `work` once Redis takes commands, within the time limit.
 *
 * @param work continues after the time limit, since nothing can stop it: it checks the signal, which is aborted then, before
 *   each write.
 * @throws AsyncError `store-unavailable` or `store-full`.
 */
export const queryStore = <T>(
  { redis, timeLimitMs }: Pick<StoreContext, 'redis' | 'timeLimitMs'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> =>
  withinTimeLimit(timeLimitMs, async (signal) => {
    await whenReady(redis);
    return work(signal);
  });
