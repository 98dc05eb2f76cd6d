// A submit whose writes reach Redis after the client has had its 503: what waited in front of a Redis that stood still.
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { newJob } from '../helpers/new-job';
import { startJobStore } from '../helpers/start-job-store';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'late';
const KEYS = new KeySpace(PREFIX);
const LONG = 60_000;

let redis: RedisClient;
let store: JobStore;

useResources(async (resources) => void ({ redis, store } = await startJobStore(PREFIX, resources)));

const secondsOfRedis = async (): Promise<number> => (await redis.time())[0] ?? 0;

test('a record is not written after its time limit by the clock of Redis', async () => {
  const job = newJob();
  expect(await store.create(job, { latestAt: (await secondsOfRedis()) * 1000 - 1 })).toEqual({
    kind: 'too-late',
  });
  expect(await store.read(job.id)).toBeUndefined();
});

test('a record is written within its time limit', async () => {
  const latestAt = (await secondsOfRedis()) * 1000 + LONG;
  expect(await store.create(newJob(), { latestAt })).toMatchObject({ kind: 'created' });
});

test('rolling back a submit deletes its request', async () => {
  const job = newJob();
  await store.create(job, { latestAt: 1 });
  expect(await redis.exists(KEYS.request(job.id))).toBe(1);
  expect(await store.rollBack(job.id)).toEqual({ kind: 'missing' });
  expect(await redis.exists(KEYS.request(job.id))).toBe(0);
});
