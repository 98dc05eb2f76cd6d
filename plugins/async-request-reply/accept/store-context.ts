// What the parts of an access store share: one connection to Redis, with a time limit for each request, and what is kept there.
import { JobStore } from '../jobs/job-store';
import { IdempotencyStore } from '../queue/idempotency-store';
import { QueueIndex } from '../queue/queue-index';
import { QueueRegistrar } from '../queue/queue-registrar';
import { Schedulers } from '../queue/schedulers';
import { StorageQuota } from '../queue/storage-quota';
import { whenReady, withinTimeLimit, type RedisClient } from '../redis/redis-client';
import type { KeySpace } from '../redis/keys';

export interface StoreContext {
  readonly redis: RedisClient;
  readonly keys: KeySpace;
  readonly timeLimitMs: number;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly quota: StorageQuota;
  readonly claims: IdempotencyStore;
  readonly schedulers: Schedulers;
  readonly registrar: QueueRegistrar;
}

export const storeContext = (redis: RedisClient, keys: KeySpace, timeLimitMs: number): StoreContext => ({
  redis,
  keys,
  timeLimitMs,
  jobs: new JobStore(redis, keys),
  index: new QueueIndex(redis, keys),
  quota: new StorageQuota(redis, keys),
  claims: new IdempotencyStore(redis, keys),
  schedulers: new Schedulers(redis, keys),
  registrar: new QueueRegistrar(redis, keys),
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
