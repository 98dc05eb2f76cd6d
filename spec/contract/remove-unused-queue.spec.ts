// A queue that is no longer registered is deleted completely. A queue with open jobs stays.
import pino from 'pino';
import { registerQueue } from '../../plugins/async-request-reply/queue/queue-registry';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { SecretStore } from '../../plugins/async-request-reply/secrets/secret-store';
import { nameSettings } from '../../plugins/async-request-reply/jobs/job-settings';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import { openWorkerClient, type RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import { resolveConfig } from '../../schemas/resolve-config';
import { RedisServer } from '../helpers/redis-server';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'retire';
const KEYS = new KeySpace(PREFIX);
const LIFE_MS = 60_000;

let redis: RedisClient;

useResources(async (resources) => {
  const server = await resources.use(RedisServer.start({ appendOnly: false }), (started) => started.stop());
  const settings = resolveConfig({ redis: { port: server.port } }).redis;
  redis = openWorkerClient(settings, () => undefined);
  resources.add(() => redis.disconnect());
  const worker = JobWorker.start({
    redis: settings,
    keyPrefix: PREFIX,
    queues: ['*'],
    leaseMs: 1000,
    stalledCheckMs: 200,
    secrets: new SecretStore(),
    log: pino({ level: 'silent' }),
  });
  resources.add(() => worker.stop(0));
});

/** Announces a queue and waits until the worker has taken it, which is when BullMQ's keys are there. */
async function taken(queue: string): Promise<void> {
  const named = nameSettings({
    version: 1,
    queue,
    concurrency: 1,
    rateMax: 0,
    ratePerMs: 0,
    breakerFailures: 0,
    breakerOpenMs: 0,
    connectTimeoutMs: 1,
    attemptTimeoutMs: 1,
    tlsVerify: false,
    caCertificates: [],
    maxResponseBytes: 1,
    retryStatuses: [],
    backoffMs: 1,
    maxBackoffMs: 1,
    connectAttempts: 1,
    maxHeadBytes: 4096,
    maxHandoffHeadBytes: 4096,
    maxPauseMs: 0,
  });
  await registerQueue(redis, KEYS, { queue, settings: named, lifeMs: LIFE_MS });
  const scheduler = openScheduler(redis, KEYS, queue);
  await until('the limits to be set', async () => (await scheduler.getGlobalConcurrency()) === 1);
  await scheduler.close();
}

const bullKeys = (queue: string): Promise<string[]> => redis.keys(`${PREFIX}:{${queue}}:${queue}:*`);
const lapse = (queue: string): Promise<unknown> => redis.zadd(KEYS.queues(), Date.now() - 1, queue);

test('the keys of BullMQ are deleted once the registration of a queue has expired', async () => {
  await taken('unused');
  expect(await bullKeys('unused')).not.toEqual([]);
  await lapse('unused');
  await until('its keys to be gone', async () => (await bullKeys('unused')).length === 0);
  await until('its name to be gone', async () => (await redis.zscore(KEYS.queues(), 'unused')) === null);
});

test('a removed queue is taken again with its limits when it is registered again', async () => {
  await taken('back');
  await lapse('back');
  await until('its name to be gone', async () => (await redis.zscore(KEYS.queues(), 'back')) === null);
  await taken('back');
});

test('a queue with open jobs is not removed', async () => {
  await taken('open');
  const id = '01a200f2-3e2a-7aac-b5b5-712533cabf79';
  // A newer program's job, which this worker's sweep leaves alone.
  await redis.hset(KEYS.record(id), { v: 99, state: 'queued' });
  await redis.zadd(KEYS.openJobs('open'), Date.now() + LIFE_MS, id);
  await lapse('open');
  await taken('marker');
  await lapse('marker');
  await until('the round to be over', async () => (await redis.zscore(KEYS.queues(), 'marker')) === null);
  expect(await redis.zscore(KEYS.queues(), 'open')).not.toBeNull();
  expect(await bullKeys('open')).not.toEqual([]);
});
