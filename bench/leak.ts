// Memory: what a plugin server keeps of the requests that it has answered, beside kong-pdk's own.
import type { Gateway } from '../spec/helpers/gateway';
import { HttpClient } from '../spec/helpers/http-client';
import { strangeJobId } from '../spec/helpers/job-ids';
import type { RedisServer } from '../spec/helpers/redis-server';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { runBenchmark } from './lib/benchmark';
import { describeEnvironment } from './lib/environment';
import { main } from './lib/main';
import { MemoryProbe } from './lib/memory';
import { benchOptions } from './lib/options';
import { startOurGateway } from './lib/our-gateway';
import { emptyRedis, startRedis } from './lib/redis';
import type { Subject } from './lib/rounds';
import { sendMany } from './lib/send-many';
import { slope } from './lib/statistics';
import { exitOnlyRoute, startStockGateway } from './lib/stock-gateway';
import { table } from './lib/table';

const OURS = 'our plugin';
const STOCK = 'stock, exit only';
const CONNECTIONS = 50;

/** Is never called, because no worker runs. */
const NO_UPSTREAM = 'http://127.0.0.1:9';

const MIB = 2 ** 20;

/** A plugin server under load, and how to look into it. */
interface Server {
  readonly name: string;
  readonly gateway: Gateway;
  readonly probe: MemoryProbe;
}

main(async (releasers) => {
  const options = benchOptions('ts-node bench/leak.ts [options]', {
    requests: {
      default: 100_000,
      help: 'short-circuited requests to each server, half polls and half submits',
    },
    'warm-up': { default: 20_000, help: 'requests before the first reading' },
  });
  const redis = await startRedis(releasers);
  const servers = await startServers(releasers, redis);
  const step = Math.ceil(options.requests / options.rounds);
  const report = await runBenchmark(
    {
      name: 'leak',
      settings: { requests: options.requests, step, warmUp: options['warm-up'] },
      subjects: servers.map((server) => leakSubject(server, redis, step, options['warm-up'])),
      // A round is a step: the first one reads without having sent anything.
      rounds: options.rounds + 1,
      calmSeconds: options.calm,
      columns: { rssMiB: 'RSS MiB', heapUsedMiB: 'heap used MiB', externalMiB: 'external MiB' },
      ratios: [],
    },
    await describeEnvironment(servers[0]?.gateway ?? null, redis),
    options.out,
  );
  process.stdout.write(`\n${growthText(report.results)}\n`);
});

async function startServers(releasers: Releasers, redis: RedisServer): Promise<Server[]> {
  const [ourProbe, stockProbe] = [new MemoryProbe(), new MemoryProbe()];
  releasers.add(() => ourProbe.close());
  releasers.add(() => stockProbe.close());
  const ours = await startOurGateway({
    redis,
    keyPrefix: 'bench',
    upstreamUrl: NO_UPSTREAM,
    // Two seconds after its submit nothing of a job is left in Redis.
    routes: [{ name: 'jobs', config: { ...SHORT_LIVED, queue: { max_waiting: 10_000_000 } } }],
    nodeArguments: ourProbe.nodeArguments,
    env: ourProbe.env,
  });
  releasers.add(() => ours.stop());
  const answer = await new HttpClient(ours.proxyPort).request('/jobs', { method: 'POST', body: 'a' });
  const stock = await startStockGateway([exitOnlyRoute('jobs', answer)], NO_UPSTREAM, stockProbe);
  releasers.add(() => stock.stop());
  return [
    { name: OURS, gateway: ours, probe: ourProbe },
    { name: STOCK, gateway: stock, probe: stockProbe },
  ];
}

const SHORT_LIVED = { deadline_seconds: 1, result_ttl_seconds: 1, upstream: { attempt_timeout: 1000 } };

/** Each turn sends `step` requests and then reads; the warm-up sends too, and the first round only reads. */
function leakSubject(server: Server, redis: RedisServer, step: number, warmUp: number): Subject {
  let sent = 0;
  return {
    name: server.name,
    measure: async ({ round, isWarmUp }) => {
      const count = isWarmUp ? warmUp : round === 0 ? 0 : step;
      await sendMixed(server.gateway, count);
      if (!isWarmUp) {
        sent += count;
      }
      await emptyRedis(redis);
      const [pid, ...others] = await server.gateway.pluginServerPids();
      if (pid === undefined || others.length > 0) {
        throw new Error(`${server.name}: not one plugin server`);
      }
      const memory = await server.probe.read(pid);
      return {
        requests: sent,
        pid,
        rssMiB: memory.rss / MIB,
        heapUsedMiB: memory.heapUsed / MIB,
        externalMiB: memory.external / MIB,
      };
    },
  };
}

/** Polls of unknown jobs and submits, in turn. */
async function sendMixed(gateway: Gateway, count: number): Promise<void> {
  const body = JSON.stringify({ order: 4711 });
  await sendMany(gateway.proxyUrl, {
    count,
    connections: CONNECTIONS,
    request: (index) =>
      index % 2 === 0
        ? { path: '/jobs', headers: { 'X-Async-Kong-Id': strangeJobId() } }
        : { path: '/jobs', method: 'POST', headers: { 'content-type': 'application/json' }, body },
    onAnswer: ({ status, body: text }) => {
      if (status !== 202 && status !== 404) {
        throw new Error(`a request got ${status}: ${text.toString()}`);
      }
    },
  });
}

type Results = Awaited<ReturnType<typeof runBenchmark>>['results'];

/** The readings in order, and the slope through them. */
function growthText(results: Results): string {
  const rows = results.map(({ subject, samples }) => {
    const growth = (metric: string): number =>
      slope(samples.map((sample) => [sample['requests'] ?? 0, (sample[metric] ?? 0) * MIB]));
    const readings = (metric: string): string =>
      samples.map((sample) => (sample[metric] ?? 0).toFixed(1)).join(' ');
    return [
      subject,
      readings('heapUsedMiB'),
      growth('heapUsedMiB').toFixed(0),
      readings('rssMiB'),
      growth('rssMiB').toFixed(0),
    ];
  });
  const header = ['reading by reading', 'heap used MiB', 'bytes a request', 'RSS MiB', 'bytes a request'];
  return table(header, rows);
}
