// The loop of a BullMQ worker takes over a larger concurrency while jobs run.
import { Queue } from 'bullmq';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import { openWorkerClient } from '../../plugins/async-request-reply/redis/redis-client';
import { BullmqWorker } from '../../plugins/async-request-reply/worker/bullmq-worker';
import { resolveConfig } from '../../schemas/resolve-config';
import { Latch } from '../helpers/latch';
import { RedisServer } from '../helpers/redis-server';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const QUEUE = 'q';

let worker: BullmqWorker;
let queue: Queue;
let started: string[];
let end: Latch;

useResources(async (resources) => {
  const server = await resources.use(RedisServer.start(), (one) => one.stop());
  const redis = openWorkerClient(resolveConfig({ redis: { port: server.port } }).redis, () => undefined);
  resources.add(() => redis.disconnect());
  const options = { connection: redis, prefix: new KeySpace('fetching').bullPrefix(QUEUE) };
  queue = new Queue(QUEUE, options);
  resources.add(() => queue.close());
  started = [];
  end = new Latch();
  worker = new BullmqWorker(
    QUEUE,
    async (job) => {
      started.push(job.name);
      await end.opened;
    },
    { ...options, concurrency: 1, autorun: false },
  );
  resources.add(() => worker.close(true));
  resources.add(() => end.open());
});

test('a worker starts another job once its concurrency has been raised', async () => {
  void worker.run();
  await queue.addBulk([
    { name: 'first', data: null },
    { name: 'second', data: null },
  ]);
  await until('the first job to start', () => started.length === 1);
  worker.concurrency = 2;
  worker.wake();
  await until('the second job to start beside it', () => started.length === 2);

  expect(started).toEqual(['first', 'second']);
});
