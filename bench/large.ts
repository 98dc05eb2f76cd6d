// Large results beside small polls: how long a poll takes while ten clients read a large result each at a pace of their
// own, beside its time on a system that does nothing else, and beside its time while they read as much from the upstream.
import type { Gateway } from '../spec/helpers/gateway';
import { HttpClient } from '../spec/helpers/http-client';
import type { RedisServer } from '../spec/helpers/redis-server';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { until } from '../spec/helpers/until';
import { runBenchmark } from './lib/benchmark';
import { metered } from './lib/cpu-meter';
import { describeEnvironment } from './lib/environment';
import { main } from './lib/main';
import { benchOptions, PROFILE, profileArguments, type BenchOptions } from './lib/options';
import { startOurGateway } from './lib/our-gateway';
import { startOurWorker } from './lib/our-worker';
import { downloadPaced } from './lib/paced-downloads';
import { gatewayPids, redisPid } from './lib/processes';
import { startRedis } from './lib/redis';
import type { Metrics, Subject } from './lib/rounds';
import { percentile } from './lib/statistics';
import { sendSteadily } from './lib/steady-requests';
import { submitJobs } from './lib/submit-jobs';
import { startLargeUpstream, type UpstreamProcess } from './lib/upstream-process';

const KEY_PREFIX = 'bench';
const ID_HEADER = 'X-Async-Kong-Id';
const MIB = 1024 * 1024;

/** Of the plugin server, as its start commands in kong/ have them. */
const NODE_ARGUMENTS = ['--single-threaded-gc'];

type Options = BenchOptions<'mib' | 'clients' | 'mib-per-second' | 'polls', 'profile'>;

interface System {
  readonly options: Options;
  readonly redis: RedisServer;
  readonly upstream: UpstreamProcess;
  readonly gateway: Gateway;
  /** URL of the large result. */
  readonly resultPath: string;
  /** Of a job that waits. */
  readonly pendingId: string;
}

const IDLE = 'polls alone';
const RESULTS = 'beside results';
const PROXIED = 'beside proxied downloads';

main(async (releasers) => {
  const options = benchOptions(
    'ts-node bench/large.ts [options]',
    {
      mib: { default: 100, help: 'size of the result, in MiB' },
      clients: { default: 10, help: 'clients that read it at a time' },
      'mib-per-second': { default: 8, help: 'MiB that each of them reads in a second' },
      polls: { default: 100, help: 'polls a second' },
    },
    PROFILE,
  );
  const system = await startSystem(releasers, options);
  const { mib, clients, polls } = options;
  const { proxyUrl } = system.gateway;
  await runBenchmark(
    {
      name: 'large',
      settings: { mib, clients, mibPerSecond: options['mib-per-second'], pollsPerSecond: polls },
      subjects: [
        pollSubject(system, IDLE),
        pollSubject(system, RESULTS, `${proxyUrl}${system.resultPath}`),
        pollSubject(system, PROXIED, `${proxyUrl}/plain`),
      ],
      rounds: options.rounds,
      calmSeconds: options.calm,
      columns: {
        p50Ms: 'p50 ms',
        p99Ms: 'p99 ms',
        slowestSeconds: 'slowest download, s',
        gatewayCores: 'gateway cores',
        pluginServerCores: 'plugin server cores',
        redisCores: 'Redis cores',
        othersCores: 'cores others used',
      },
      ratios: [RESULTS, PROXIED].flatMap((of) =>
        ['p50Ms', 'p99Ms'].map((metric) => ({ metric, of, to: IDLE })),
      ),
    },
    await describeEnvironment(system.gateway, system.redis),
    options.out,
  );
});

async function startSystem(releasers: Releasers, options: Options): Promise<System> {
  const redis = await startRedis(releasers);
  const upstream = await startLargeUpstream(options.mib * MIB);
  releasers.add(() => upstream.stop());
  const limits = { response: { max_body_bytes: options.mib * MIB } };
  const gateway = await startOurGateway({
    redis,
    keyPrefix: KEY_PREFIX,
    upstreamUrl: upstream.url,
    routes: [
      { name: 'large', config: { ...limits, queue: { name: 'large' } } },
      { name: 'small', config: { queue: { name: 'small' } } },
      { name: 'plain', config: false },
    ],
    nodeArguments: [...NODE_ARGUMENTS, ...profileArguments(options.profile)],
  });
  releasers.add(() => gateway.stop());
  const resultPath = await largeResult(gateway, redis);
  // This job stays queued: the worker has ended.
  const [pendingId = ''] = await submitJobs(gateway, { path: '/small', count: 1 });
  return { options, redis, upstream, gateway, resultPath, pendingId };
}

/** Lets a worker fetch the large response. @returns the URL at which it is replayed */
async function largeResult(gateway: Gateway, redis: RedisServer): Promise<string> {
  const [id = ''] = await submitJobs(gateway, { path: '/large', count: 1 });
  const client = new HttpClient(gateway.proxyPort);
  const worker = startOurWorker({ redis, keyPrefix: KEY_PREFIX });
  try {
    return await until(
      'the large result',
      async () => {
        const response = await client.request(`/large?async-id=${id}`);
        return response.status === 303 ? response.header('Location') : null;
      },
      { timeoutMs: 120_000 },
    );
  } finally {
    await worker.stop();
  }
}

/** @param url what the clients read meanwhile; without it there are none */
function pollSubject(system: System, name: string, url?: string): Subject {
  const { gateway, redis, upstream, options, pendingId } = system;
  const polls = {
    url: gateway.proxyUrl,
    path: '/small',
    headers: { [ID_HEADER]: pendingId },
    status: 202,
    perSecond: options.polls,
  };
  const bytes = options.mib * MIB;
  const bytesPerSecond = options['mib-per-second'] * MIB;
  const downloads = { clients: options.clients, bytes, bytesPerSecond };
  const beside = async (): Promise<number[]> => {
    if (url !== undefined) {
      return await downloadPaced({ url, ...downloads });
    }
    await new Promise((resolve) => setTimeout(resolve, (bytes / bytesPerSecond) * 1000));
    return [];
  };
  const measure = async (): Promise<Metrics> => {
    const groups = {
      gateway: gatewayPids(gateway),
      pluginServer: await gateway.pluginServerPids(),
      redis: [await redisPid(redis)],
      upstream: [upstream.pid],
    };
    const { result, seconds, cpuSeconds, othersCores } = await metered(groups, async () => {
      let isOver = false;
      const [took, times] = await Promise.all([
        beside().finally(() => (isOver = true)),
        sendSteadily(polls, () => isOver),
      ]);
      return { took, times };
    });
    const { took, times } = result;
    return {
      p50Ms: percentile(times, 50),
      p99Ms: percentile(times, 99),
      ...(took.length > 0 && { slowestSeconds: Math.max(...took) }),
      gatewayCores: (cpuSeconds['gateway'] ?? 0) / seconds,
      pluginServerCores: (cpuSeconds['pluginServer'] ?? 0) / seconds,
      redisCores: (cpuSeconds['redis'] ?? 0) / seconds,
      othersCores,
    };
  };
  return { name, measure };
}
