// Fairness: how long a caller's few jobs take while another caller's thousands wait in the same queue, beside their time
// in an empty one.
import type Redis from 'ioredis';
import { KeySpace } from '../plugins/async-request-reply/redis/keys';
import type { Gateway } from '../spec/helpers/gateway';
import { HttpClient } from '../spec/helpers/http-client';
import type { RedisServer } from '../spec/helpers/redis-server';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { until } from '../spec/helpers/until';
import { runBenchmark } from './lib/benchmark';
import { describeEnvironment } from './lib/environment';
import { main } from './lib/main';
import { benchOptions, type BenchOptions } from './lib/options';
import { openAtMost } from './lib/open-jobs';
import { startOurGateway } from './lib/our-gateway';
import { startOurWorker } from './lib/our-worker';
import { connectRedis, emptyRedis, startRedis } from './lib/redis';
import type { Metrics, Subject, Turn } from './lib/rounds';
import { submitJobs } from './lib/submit-jobs';
import { startUpstreamProcess } from './lib/upstream-process';

const KEY_PREFIX = 'bench';
const SMALL = { apikey: 'key-of-small' };
const LARGE = { apikey: 'key-of-large' };
const CONSUMERS = [
  { username: 'small', keyauth_credentials: [{ key: SMALL.apikey }] },
  { username: 'large', keyauth_credentials: [{ key: LARGE.apikey }] },
];

/** Jobs of the large caller that run first in either case, so that the worker is as warm in one as in the other. */
const FIRST_JOBS = 100;

/** Jobs that settle between two looks at the clock tell the queue's pace. */
const PACE_JOBS = 200;

type Options = BenchOptions<'queued' | 'jobs' | 'concurrency' | 'service-ms', never>;

interface System {
  readonly options: Options;
  readonly redis: RedisServer;
  readonly client: Redis;
  readonly gateway: Gateway;
}

main(async (releasers) => {
  const options = benchOptions('ts-node bench/fairness.ts [options]', {
    queued: { default: 5000, help: 'jobs of the large caller that wait' },
    jobs: { default: 5, help: 'jobs of the small caller' },
    concurrency: { default: 10, help: 'calls at once' },
    'service-ms': { default: 20, help: 'what a call takes' },
  });
  const { out, ...numbers } = options;
  const system = await startSystem(releasers, options);
  const alone = 'alone';
  const beside = `beside ${options.queued} waiting jobs of another`;
  await runBenchmark(
    {
      name: 'fairness',
      settings: numbers,
      subjects: [
        fairnessSubject(system, alone, 'alone', 0),
        fairnessSubject(system, beside, 'beside', options.queued),
      ],
      rounds: options.rounds,
      calmSeconds: options.calm,
      columns: {
        lastMs: 'all jobs settled, ms',
        meanMs: 'a job, mean ms',
        jobsPerSecond: 'jobs/s of the queue',
        behindAllMs: 'behind all that wait, ms',
      },
      ratios: ['lastMs', 'meanMs'].map((metric) => ({ metric, of: beside, to: alone })),
    },
    await describeEnvironment(system.gateway, system.redis),
    out,
  );
});

async function startSystem(releasers: Releasers, options: Options): Promise<System> {
  const redis = await startRedis(releasers);
  const client = connectRedis(redis, releasers);
  const upstream = await startUpstreamProcess({ serviceMs: options['service-ms'] });
  releasers.add(() => upstream.stop());
  const turns = Array.from({ length: options.rounds + 1 }, (_, turn) => turn);
  const gateway = await startOurGateway({
    redis,
    keyPrefix: KEY_PREFIX,
    upstreamUrl: upstream.url,
    shared: { on_complete: 'status' },
    // Redis is emptied between the turns, and a route announces its queue to the workers when it is first used.
    routes: turns.flatMap((turn) =>
      ['alone', 'beside'].map((kind) => ({
        name: `${kind}-${turn}`,
        config: { queue: { name: `${kind}-${turn}`, concurrency: options.concurrency } },
        plugins: [{ name: 'key-auth', config: { key_names: ['apikey'] } }],
      })),
    ),
    extra: { consumers: CONSUMERS },
  });
  releasers.add(() => gateway.stop());
  return { options, redis, client, gateway };
}

function fairnessSubject(system: System, name: string, kind: string, waiting: number): Subject {
  const { redis, client, gateway, options } = system;
  return {
    name,
    measure: async ({ round, isWarmUp }: Turn): Promise<Metrics> => {
      await emptyRedis(redis);
      const queue = `${kind}-${isWarmUp ? 0 : round + 1}`;
      const open = (): Promise<number> => client.zcard(new KeySpace(KEY_PREFIX).openJobs(queue));
      await submitJobs(gateway, { path: `/${queue}`, headers: LARGE, count: FIRST_JOBS + waiting });
      const worker = startOurWorker({ redis, keyPrefix: KEY_PREFIX });
      try {
        await openAtMost(open, waiting);
        const ids = await submitJobs(gateway, { path: `/${queue}`, headers: SMALL, count: options.jobs });
        const times = await Promise.all(ids.map((id) => settledTimes(system, queue, id)));
        const pace = waiting === 0 ? {} : await paceOf(open, waiting);
        return { ...timesOf(times), ...pace };
      } finally {
        await worker.stop();
      }
    },
  };
}

interface JobTimes {
  readonly createdAt: number;
  readonly settledAt: number;
}

function timesOf(times: readonly JobTimes[]): Metrics {
  const firstAt = Math.min(...times.map(({ createdAt }) => createdAt));
  const total = times.reduce((sum, { createdAt, settledAt }) => sum + settledAt - createdAt, 0);
  return {
    lastMs: Math.max(...times.map(({ settledAt }) => settledAt)) - firstAt,
    meanMs: total / times.length,
  };
}

/** The queue's pace, and how long the small caller would have waited behind everybody who was there before. */
async function paceOf(open: () => Promise<number>, waiting: number): Promise<Metrics> {
  const before = await open();
  const startedAt = performance.now();
  const after = await openAtMost(open, before - PACE_JOBS);
  const jobsPerSecond = (before - after) / ((performance.now() - startedAt) / 1000);
  return { jobsPerSecond, behindAllMs: (waiting / jobsPerSecond) * 1000 };
}

/** By the clock of Redis, from the status body, so that the interval of the polls has no effect. */
async function settledTimes({ gateway }: System, queue: string, id: string): Promise<JobTimes> {
  const client = new HttpClient(gateway.proxyPort);
  return await until(
    `job ${id} to settle`,
    async () => {
      const response = await client.request(`/${queue}?async-id=${id}`, { headers: SMALL });
      const { created_at, settled_at } = response.json<{ created_at: string; settled_at?: string }>();
      return settled_at === undefined
        ? null
        : { createdAt: Date.parse(created_at), settledAt: Date.parse(settled_at) };
    },
    { timeoutMs: 120_000 },
  );
}
