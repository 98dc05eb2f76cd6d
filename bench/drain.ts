// Draining: how many jobs a second leave a full queue, upstream call and settling included, beside BullMQ alone with the
// same number of worker processes; and what a waiting job takes of Redis's memory.
import type Redis from 'ioredis';
import type { Gateway } from '../spec/helpers/gateway';
import type { RedisServer } from '../spec/helpers/redis-server';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { KeySpace } from '../plugins/async-request-reply/redis/keys';
import { runBenchmark } from './lib/benchmark';
import { BullQueue } from './lib/bullmq-queue';
import { metered } from './lib/cpu-meter';
import { describeEnvironment } from './lib/environment';
import { main } from './lib/main';
import { benchOptions, PROFILE, profileArguments, type BenchOptions } from './lib/options';
import { openAtMost } from './lib/open-jobs';
import { startOurGateway } from './lib/our-gateway';
import { AGAINST } from './lib/our-script';
import { startOurWorker } from './lib/our-worker';
import { redisPid } from './lib/processes';
import { connectRedis, emptyRedis, startRedis, usedMemory } from './lib/redis';
import type { Metrics, Subject, Turn } from './lib/rounds';
import { submitJobs } from './lib/submit-jobs';
import { startUpstreamProcess, type UpstreamProcess } from './lib/upstream-process';
import type { WorkerProcess } from './lib/worker-process';

const KEY_PREFIX = 'bench';
const OTHER_PREFIX = 'bench-other';
const BODY = JSON.stringify({
  order: 4711,
  lines: Array.from({ length: 8 }, (_, n) => ({ sku: `A-${n}`, n })),
});
const HEADERS = { 'content-type': 'application/json' };

const OURS = 'our plugin';
/** Another state of the plugin, for a comparison of before and after. */
const OTHER = 'the other checkout';
const EMPTY = 'BullMQ, empty processor';
const CALLING = 'BullMQ, one call a job';

/** The clock runs between these parts of the jobs: after the workers have started, before the last ones idle. */
const FROM = 0.1;
const TO = 0.95;

type Options = BenchOptions<'jobs' | 'workers' | 'concurrency', 'profile' | 'against'>;

interface System {
  readonly options: Options;
  readonly redis: RedisServer;
  readonly client: Redis;
  readonly upstream: UpstreamProcess;
  readonly gateway: Gateway;
  readonly other: Gateway | undefined;
}

/** A queue that is full, however it was filled. */
interface FullQueue {
  /** Jobs that have not ended. */
  readonly open: () => Promise<number>;
  readonly startWorker: () => WorkerProcess;
  readonly close: () => Promise<void>;
}

main(async (releasers) => {
  const options = benchOptions(
    'ts-node bench/drain.ts [options]',
    {
      jobs: { default: 10_000, help: 'jobs in the queue' },
      workers: { default: 2, help: 'worker processes' },
      concurrency: { default: 50, help: 'calls at once: of the queue (ours), of each worker (BullMQ)' },
    },
    { ...PROFILE, ...AGAINST },
  );
  const system = await startSystem(releasers, options);
  const { jobs, workers, concurrency } = options;
  await runBenchmark(
    {
      name: 'drain',
      settings: { jobs, workers, concurrency, requestBytes: BODY.length },
      subjects: subjects(system),
      rounds: options.rounds,
      calmSeconds: options.calm,
      columns: {
        jobsPerSecond: 'jobs/s',
        bytesPerJob: 'Redis bytes a waiting job',
        workerMicros: 'worker µs',
        redisMicros: 'Redis µs',
        upstreamMicros: 'upstream µs',
        othersCores: 'cores others used',
      },
      ratios: [...(options.against === undefined ? [] : [OTHER]), EMPTY, CALLING].flatMap((to) =>
        ['jobsPerSecond', 'workerMicros', 'redisMicros', 'bytesPerJob'].map((metric) => ({
          metric,
          of: OURS,
          to,
        })),
      ),
    },
    await describeEnvironment(system.gateway, system.redis),
    options.out,
  );
});

async function startSystem(releasers: Releasers, options: Options): Promise<System> {
  const redis = await startRedis(releasers);
  const client = connectRedis(redis, releasers);
  const upstream = await startUpstreamProcess({ serviceMs: 0 });
  releasers.add(() => upstream.stop());
  const queue = { concurrency: options.concurrency, max_waiting: options.jobs };
  const start = async (keyPrefix: string, checkout?: string): Promise<Gateway> => {
    const started = await startOurGateway({
      redis,
      keyPrefix,
      checkout,
      upstreamUrl: upstream.url,
      // Redis is emptied between the turns, and a route announces its queue to the workers when it is first used.
      routes: Array.from({ length: options.rounds + 1 }, (_, turn) => ({
        name: queueName(turn),
        config: { queue: { ...queue, name: queueName(turn) } },
      })),
    });
    releasers.add(() => started.stop());
    return started;
  };
  const gateway = await start(KEY_PREFIX);
  const other = options.against === undefined ? undefined : await start(OTHER_PREFIX, options.against);
  return { options, redis, client, upstream, gateway, other };
}

const queueName = (turn: number): string => `drain-${turn}`;

function subjects(system: System): Subject[] {
  const { options, upstream, gateway, other } = system;
  const data = { method: 'POST', path: '/', headers: HEADERS, body: BODY };
  return [
    drainSubject(system, OURS, (turn) => fillOurs(system, gateway, KEY_PREFIX, turn)),
    ...(other === undefined
      ? []
      : [
          drainSubject(system, OTHER, (turn) => fillOurs(system, other, OTHER_PREFIX, turn, options.against)),
        ]),
    drainSubject(system, EMPTY, () => fillBull(system, null, { removeOnComplete: true })),
    drainSubject(system, CALLING, () => fillBull(system, data, {}, upstream.url)),
  ];
}

async function fillOurs(
  { options, redis, client }: System,
  gateway: Gateway,
  keyPrefix: string,
  { round, isWarmUp }: Turn,
  checkout?: string,
): Promise<FullQueue> {
  const queue = queueName(isWarmUp ? 0 : round + 1);
  await submitJobs(gateway, { path: `/${queue}`, headers: HEADERS, body: BODY, count: options.jobs });
  const nodeArguments = profileArguments(options.profile);
  return {
    open: () => client.zcard(new KeySpace(keyPrefix).openJobs(queue)),
    startWorker: () => startOurWorker({ redis, keyPrefix, checkout, nodeArguments }),
    close: () => Promise.resolve(),
  };
}

/** @param url what a job calls; without it a job does nothing */
async function fillBull(
  { options, redis }: System,
  data: unknown,
  jobOptions: object,
  url?: string,
): Promise<FullQueue> {
  const queue = new BullQueue(redis, 'drain');
  await queue.add(options.jobs, data, jobOptions);
  return {
    open: () => queue.open(),
    startWorker: () => queue.startWorker(options.concurrency, url),
    close: () => queue.close(),
  };
}

function drainSubject(system: System, name: string, fill: (turn: Turn) => Promise<FullQueue>): Subject {
  const { options, redis } = system;
  return {
    name,
    measure: async (turn): Promise<Metrics> => {
      await emptyRedis(redis);
      const before = await usedMemory(redis);
      const queue = await fill(turn);
      const bytesPerJob = ((await usedMemory(redis)) - before) / options.jobs;
      const workers = Array.from({ length: options.workers }, () => queue.startWorker());
      try {
        return { ...(await drain(system, queue, workers)), bytesPerJob };
      } finally {
        await Promise.all(workers.map((worker) => worker.stop()));
        await queue.close();
      }
    },
  };
}

async function drain(system: System, queue: FullQueue, workers: readonly WorkerProcess[]): Promise<Metrics> {
  const { jobs } = system.options;
  const first = await openAtMost(queue.open, jobs * (1 - FROM));
  const groups = {
    worker: workers.map((worker) => worker.pid),
    redis: [await redisPid(system.redis)],
    upstream: [system.upstream.pid],
  };
  const { result, seconds, cpuSeconds, othersCores } = await metered(groups, () =>
    openAtMost(queue.open, jobs * (1 - TO)),
  );
  await openAtMost(queue.open, 0);
  const settled = first - result;
  const micros = (group: string): number => ((cpuSeconds[group] ?? 0) * 1e6) / settled;
  return {
    jobsPerSecond: settled / seconds,
    workerMicros: micros('worker'),
    redisMicros: micros('redis'),
    upstreamMicros: micros('upstream'),
    othersCores,
  };
}
