// Overload: an upstream that gets slower with every concurrent call, under a load that rises over what it can do, once
// straight through the gateway and once through the plugin, whose clients poll until they have their response.
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Gateway } from '../spec/helpers/gateway';
import type { RedisServer } from '../spec/helpers/redis-server';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { runBenchmark } from './lib/benchmark';
import { describeEnvironment } from './lib/environment';
import { main } from './lib/main';
import { benchOptions } from './lib/options';
import { startOurGateway } from './lib/our-gateway';
import { startOurWorker } from './lib/our-worker';
import { overloadChart, type Pooled } from './lib/overload-chart';
import { emptyRedis, startRedis } from './lib/redis';
import { sendRisingLoad, type ClientEnd, type Outcome, type RisingLoad } from './lib/rising-load';
import type { Metrics, Subject, Turn } from './lib/rounds';
import { percentile } from './lib/statistics';
import { startUpstreamProcess, type ServiceModel } from './lib/upstream-process';

const KEY_PREFIX = 'bench';
const ID_HEADER = 'x-async-kong-id';

/** At most 8 / (2 * 100 ms) = 40 calls a second, with 8 at once; with 64 at once not 10. */
const MODEL: ServiceModel & { bestAt: number } = { serviceMs: 100, bestAt: 8, limit: 64 };
const RATES = [10, 20, 30, 40, 60, 80, 100, 120];
/** A warm-up is to warm, not to overload. */
const WARM_UP: RisingLoad = { rates: [20], stepSeconds: 3 };

/** A client without the plugin waits so long for its response, then it hangs up. */
const PATIENCE_MS = 10_000;

/** A client with the plugin repeats a poll within the first figure, then within twice as long, up to the second figure. */
const FIRST_POLL_MS = 100;
const SLOWEST_POLL_MS = 2000;

/** The clients' pauses are between half of what they may be and all of it, so that they do not march in step. */
const jittered = (pauseMs: number): number => pauseMs * (0.5 + Math.random() / 2);

const DIRECT = 'straight through the gateway';
const OURS = 'through the plugin';

interface System {
  readonly redis: RedisServer;
  readonly gateway: Gateway;
  readonly pool: Pool;
}

main(async (releasers) => {
  const options = benchOptions(
    'ts-node bench/overload.ts [options]',
    {
      rounds: { default: 3, help: 'times that each is measured' },
      seconds: { default: 8, help: `length of each of the ${RATES.length} steps of the load` },
    },
    { svg: 'draw the picture there: docs/overload.svg' },
  );
  const { rounds } = options;
  const load: RisingLoad = { rates: RATES, stepSeconds: options.seconds };
  const system = await startSystem(releasers, rounds);
  const direct = directSubject(system, load);
  const ours = ourSubject(system, load);
  await runBenchmark(
    {
      name: 'overload',
      settings: { ...MODEL, rates: RATES, stepSeconds: options.seconds, patienceMs: PATIENCE_MS },
      subjects: [direct, ours],
      rounds,
      calmSeconds: options.calm,
      columns: {
        requests: 'requests',
        completed: 'completed',
        failedPercent: 'failed, %',
        peakPerSecond: 'completed/s at the load of most',
        p99Ms: 'p99 ms',
        acceptP99Ms: 'p99 ms to the 202',
        lastSeconds: 'last one ended, s',
      },
      ratios: ['completed', 'peakPerSecond'].map((metric) => ({ metric, of: OURS, to: DIRECT })),
    },
    await describeEnvironment(system.gateway, system.redis),
    options.out,
  );
  if (options.svg !== undefined) {
    const pooled = ({ outcomes }: RecordingSubject): Pooled => ({ rounds, outcomes });
    writeFileSync(options.svg, overloadChart(load, pooled(direct), pooled(ours)));
  }
});

async function startSystem(releasers: Releasers, rounds: number): Promise<System> {
  const redis = await startRedis(releasers);
  // One for each way: what the other has left behind does not slow it.
  const [forDirect, forOurs] = [await startUpstreamProcess(MODEL), await startUpstreamProcess(MODEL)];
  releasers.add(() => forDirect.stop());
  releasers.add(() => forOurs.stop());
  const gateway = await startOurGateway({
    redis,
    keyPrefix: KEY_PREFIX,
    upstreamUrl: forOurs.url,
    routes: [
      { name: 'direct', config: false, serviceUrl: forDirect.url },
      // Redis is emptied between the turns, and a route announces its queue to the workers when it is first used.
      ...Array.from({ length: rounds + 1 }, (_, turn) => ({
        name: `jobs-${turn}`,
        config: { queue: { name: `jobs-${turn}`, concurrency: MODEL.bestAt } },
      })),
    ],
  });
  releasers.add(() => gateway.stop());
  const pool = new Pool(gateway.proxyUrl, { connections: null });
  releasers.add(() => pool.destroy());
  return { redis, gateway, pool };
}

/** A subject that keeps what became of every request, for the picture. */
interface RecordingSubject extends Subject {
  readonly outcomes: readonly Outcome[];
}

function directSubject({ pool }: System, load: RisingLoad): RecordingSubject {
  const outcomes: Outcome[] = [];
  return {
    name: DIRECT,
    outcomes,
    measure: async ({ isWarmUp }) => {
      const sent = await sendRisingLoad(isWarmUp ? WARM_UP : load, () => askDirectly(pool));
      if (!isWarmUp) {
        outcomes.push(...sent);
      }
      return metricsOf(sent, isWarmUp ? WARM_UP : load);
    },
  };
}

function ourSubject({ redis, pool }: System, load: RisingLoad): RecordingSubject {
  const outcomes: Outcome[] = [];
  return {
    name: OURS,
    outcomes,
    measure: async ({ round, isWarmUp }: Turn) => {
      await emptyRedis(redis);
      const path = `/jobs-${isWarmUp ? 0 : round + 1}`;
      const worker = startOurWorker({ redis, keyPrefix: KEY_PREFIX });
      try {
        const sent = await sendRisingLoad(isWarmUp ? WARM_UP : load, () => submitAndPoll(pool, path));
        if (!isWarmUp) {
          outcomes.push(...sent);
        }
        return metricsOf(sent, isWarmUp ? WARM_UP : load);
      } finally {
        await worker.stop();
      }
    },
  };
}

async function askDirectly(pool: Pool): Promise<ClientEnd> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const { statusCode, body } = await pool.request({ method: 'GET', path: '/direct', signal });
  await body.dump();
  return { isCompleted: statusCode === 200 };
}

async function submitAndPoll(pool: Pool, path: string): Promise<ClientEnd> {
  const submitted = await pool.request({ method: 'GET', path });
  await submitted.body.dump();
  const id = submitted.headers[ID_HEADER];
  if (submitted.statusCode !== 202 || typeof id !== 'string') {
    return { isCompleted: false };
  }
  const acceptedAt = performance.now();
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 2, SLOWEST_POLL_MS)) {
    await delay(jittered(pauseMs));
    const { statusCode, body } = await pool.request({ method: 'GET', path, headers: { [ID_HEADER]: id } });
    await body.dump();
    if (statusCode !== 202) {
      return { isCompleted: statusCode === 200, acceptedAt };
    }
  }
}

function metricsOf(outcomes: readonly Outcome[], load: RisingLoad): Metrics {
  const completed = outcomes.filter(({ isCompleted }) => isCompleted);
  const accepted = outcomes.flatMap(({ acceptedMs, arrivedMs }) =>
    acceptedMs === undefined ? [] : [acceptedMs - arrivedMs],
  );
  const endMs = load.rates.length * load.stepSeconds * 1000;
  const inLastStep = completed.filter(
    ({ endedMs }) => endedMs <= endMs && endedMs > endMs - load.stepSeconds * 1000,
  );
  return {
    requests: outcomes.length,
    completed: completed.length,
    failedPercent: (1 - completed.length / outcomes.length) * 100,
    peakPerSecond: inLastStep.length / load.stepSeconds,
    p99Ms: percentile(
      completed.map(({ endedMs, arrivedMs }) => endedMs - arrivedMs),
      99,
    ),
    ...(accepted.length > 0 && { acceptP99Ms: percentile(accepted, 99) }),
    lastSeconds: Math.max(...outcomes.map(({ endedMs }) => endedMs)) / 1000,
  };
}
