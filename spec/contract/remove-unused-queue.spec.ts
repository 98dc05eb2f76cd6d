// A queue that nobody announces any more leaves nothing behind, and one with open jobs stays.
import pino from 'pino';
import { registerQueue } from '../../plugins/async-request-reply/queue/queue-registry';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { SecretStore } from '../../plugins/async-request-reply/secrets/secret-store';
import { nameSettings } from '../../plugins/async-request-reply/jobs/job-settings';
import { openJobsKey, queuesKey, recordKey } from '../../plugins/async-request-reply/redis/keys';
import { openWorkerClient } from '../../plugins/async-request-reply/redis/redis-client';
import type { ScriptedRedis } from '../../plugins/async-request-reply/redis/scripts';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import { resolveConfig } from '../../schemas/resolve-config';
import { RedisServer } from '../helpers/redis-server';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'retire';
const LIFE_MS = 60_000;

let redis: ScriptedRedis;

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
  await registerQueue(redis, PREFIX, queue, named, LIFE_MS);
  const scheduler = openScheduler(redis, PREFIX, queue);
  await until('the limits to be set', async () => (await scheduler.getGlobalConcurrency()) === 1);
  await scheduler.close();
}

const bullKeys = (queue: string): Promise<string[]> => redis.keys(`${PREFIX}:{${queue}}:${queue}:*`);
const lapse = (queue: string): Promise<unknown> => redis.zadd(queuesKey(PREFIX), Date.now() - 1, queue);

it('removes what BullMQ keeps of a queue whose announcement has lapsed', async () => {
  await taken('unused');
  expect(await bullKeys('unused')).not.toEqual([]);
  await lapse('unused');
  await until('its keys to be gone', async () => (await bullKeys('unused')).length === 0);
  await until('its name to be gone', async () => (await redis.zscore(queuesKey(PREFIX), 'unused')) === null);
});

it('takes it up again, with its limits, when it is announced again', async () => {
  await taken('back');
  await lapse('back');
  await until('its name to be gone', async () => (await redis.zscore(queuesKey(PREFIX), 'back')) === null);
  await taken('back');
});

it('keeps a queue with open jobs', async () => {
  await taken('open');
  const id = '01a200f2-3e2a-7aac-b5b5-712533cabf79';
  // A newer program's job, which this worker's sweep leaves alone.
  await redis.hset(recordKey(PREFIX, id), { v: 99, state: 'queued' });
  await redis.zadd(openJobsKey(PREFIX, 'open'), Date.now() + LIFE_MS, id);
  await lapse('open');
  await taken('marker');
  await lapse('marker');
  await until('the round to be over', async () => (await redis.zscore(queuesKey(PREFIX), 'marker')) === null);
  expect(await redis.zscore(queuesKey(PREFIX), 'open')).not.toBeNull();
  expect(await bullKeys('open')).not.toEqual([]);
});
