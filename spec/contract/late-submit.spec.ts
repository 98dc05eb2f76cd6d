// A submit whose writes reach Redis after the client has had its 503: what waited in front of a Redis that stood still.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { requestKey } from '../../plugins/async-request-reply/redis/keys';
import type { ScriptedRedis } from '../../plugins/async-request-reply/redis/scripts';
import { startJobStore } from '../helpers/start-job-store';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'late';
const LONG = 60_000;

let redis: ScriptedRedis;
let store: JobStore;

useResources(async (resources) => void ({ redis, store } = await startJobStore(PREFIX, resources)));

const newJob = (): NewJob => ({
  id: newJobId(),
  queue: 'q',
  owner: '',
  settingsHash: 's',
  repeatable: true,
  maxAttempts: 1,
  delayMs: 0,
  deadlineMs: LONG,
  resultTtlMs: LONG,
  openTtlMs: LONG,
  body: Buffer.from('a'),
  request: { method: 'GET', path: '/', target: { scheme: 'http', host: 'h', port: 1 }, headers: [] },
});

const secondsOfRedis = async (): Promise<number> => (await redis.time())[0] ?? 0;

test('a record is not written after its time by the clock of Redis', async () => {
  const job = newJob();
  expect(await store.create(job, { latestAt: (await secondsOfRedis()) * 1000 - 1 })).toEqual({
    kind: 'too-late',
  });
  expect(await store.read(job.id)).toBeUndefined();
});

test('a record is written in its time', async () => {
  const latestAt = (await secondsOfRedis()) * 1000 + LONG;
  expect(await store.create(newJob(), { latestAt })).toMatchObject({ kind: 'created' });
});

test('the request of a submit that was given up goes with it', async () => {
  const job = newJob();
  await store.create(job, { latestAt: 1 });
  expect(await redis.exists(requestKey(PREFIX, job.id))).toBe(1);
  expect(await store.rollBack(job.id)).toEqual({ kind: 'missing' });
  expect(await redis.exists(requestKey(PREFIX, job.id))).toBe(0);
});
