// Polls: polls answered per second, and their latency, for jobs that wait and for settled jobs, each beside a plugin that only
// gives the same answer.
import type { Gateway } from '../spec/helpers/gateway';
import { HttpClient, type HttpResponse } from '../spec/helpers/http-client';
import type { RedisServer } from '../spec/helpers/redis-server';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { until } from '../spec/helpers/until';
import { Upstream } from '../spec/helpers/upstream';
import { replyJson } from '../spec/helpers/upstream/answers';
import { runBenchmark } from './lib/benchmark';
import { describeEnvironment } from './lib/environment';
import { LOAD_COLUMNS, loadSubject, type LoadTarget } from './lib/gateway-load';
import { main } from './lib/main';
import { startRedis } from './lib/redis';
import { benchOptions, PROFILE, profileArguments } from './lib/options';
import { startOurGateway } from './lib/our-gateway';
import { startOurWorker } from './lib/our-worker';
import { submitJobs } from './lib/submit-jobs';
import { exitOnlyRoute, requireSameShape, startStockGateway } from './lib/stock-gateway';

const ID_HEADER = 'X-Async-Kong-Id';
const KEY_PREFIX = 'bench';

/** So many jobs are polled in turn. */
const JOBS = 256;

const RESULT = {
  order: 4711,
  lines: Array.from({ length: 20 }, (_, n) => ({ sku: `A-${n}`, n, price: n * 3 })),
};

const ROUTES = ['pending', 'completed'] as const;

interface System {
  readonly redis: RedisServer;
  readonly ours: Gateway;
  readonly stock: Gateway;
  /** By route: the IDs of its jobs. */
  readonly ids: Readonly<Record<string, readonly string[]>>;
}

main(async (releasers) => {
  const options = benchOptions(
    'ts-node bench/poll.ts [options]',
    {
      seconds: { default: 5, help: 'length of a measurement' },
      'warm-up': { default: 3, help: 'seconds before the first' },
      connections: { default: 50, help: 'connections of wrk' },
    },
    PROFILE,
  );
  const system = await startSystem(releasers, profileArguments(options.profile));
  const { seconds, connections } = options;
  const load = { seconds, connections, warmUpSeconds: options['warm-up'] };
  await runBenchmark(
    {
      name: 'poll',
      settings: { ...load, jobs: JOBS, resultBytes: JSON.stringify(RESULT).length },
      subjects: ROUTES.flatMap((route) => targets(system, route)).map((target) => loadSubject(target, load)),
      rounds: options.rounds,
      calmSeconds: options.calm,
      columns: LOAD_COLUMNS,
      ratios: ROUTES.flatMap((route) =>
        ['requestsPerSecond', 'p50Ms', 'p99Ms', 'allMicros'].map((metric) => ({
          metric,
          of: ourName(route),
          to: stockName(route),
        })),
      ),
    },
    await describeEnvironment(system.ours, system.redis),
    options.out,
  );
});

const ourName = (route: string): string => `our plugin, ${route}`;
const stockName = (route: string): string => `stock, exit only, as ${route}`;

function targets({ redis, ours, stock, ids }: System, route: string): LoadTarget[] {
  const requests = (ids[route] ?? []).map((id) => ({ target: `/${route}`, headers: { [ID_HEADER]: id } }));
  return [
    { name: ourName(route), gateway: ours, requests, redis },
    { name: stockName(route), gateway: stock, requests },
  ];
}

async function startSystem(releasers: Releasers, nodeArguments: readonly string[]): Promise<System> {
  const redis = await startRedis(releasers);
  const upstream = await Upstream.start();
  releasers.add(() => upstream.stop());
  upstream.script('/completed', replyJson(RESULT, { headers: { 'Cache-Control': 'max-age=60' } }));
  const routes = ROUTES.map((name) => ({ name, config: { queue: { name } } }));
  const ours = await startOurGateway({
    redis,
    keyPrefix: KEY_PREFIX,
    routes,
    upstreamUrl: upstream.url,
    nodeArguments,
  });
  releasers.add(() => ours.stop());
  const completed = await submitJobs(ours, { path: '/completed', count: JOBS });
  const completedAnswer = await runJobs(ours, redis, completed);
  // These jobs stay queued: the worker has ended.
  const pending = await submitJobs(ours, { path: '/pending', count: JOBS });
  const pendingAnswer = await poll(ours, 'pending', pending[0]);
  const stock = await startStockGateway(
    [exitOnlyRoute('pending', pendingAnswer), exitOnlyRoute('completed', completedAnswer)],
    upstream.url,
  );
  releasers.add(() => stock.stop());
  requireSameShape(pendingAnswer, await poll(stock, 'pending', pending[0]));
  requireSameShape(completedAnswer, await poll(stock, 'completed', completed[0]));
  return { redis, ours, stock, ids: { pending, completed } };
}

/** Has the jobs run, and returns the answer to a poll of the first. */
async function runJobs(gateway: Gateway, redis: RedisServer, ids: readonly string[]): Promise<HttpResponse> {
  const worker = startOurWorker({ redis, keyPrefix: KEY_PREFIX });
  try {
    for (const id of ids) {
      await until(
        `job ${id} to complete`,
        async () => (await poll(gateway, 'completed', id)).status === 200,
        { timeoutMs: 60_000 },
      );
    }
    return await poll(gateway, 'completed', ids[0]);
  } finally {
    await worker.stop();
  }
}

function poll(gateway: Gateway, route: string, id = ''): Promise<HttpResponse> {
  return new HttpClient(gateway.proxyPort).request(`/${route}`, { headers: { [ID_HEADER]: id } });
}
