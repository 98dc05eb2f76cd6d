// Accepts: submits answered with 202 per second, and their latency, beside a plugin that only answers.
import type { RedisServer } from '../spec/helpers/redis-server';
import { HttpClient, type HttpResponse } from '../spec/helpers/http-client';
import type { Gateway } from '../spec/helpers/gateway';
import type { RouteOptions } from '../spec/helpers/stack/kong-config';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { runBenchmark } from './lib/benchmark';
import { describeEnvironment } from './lib/environment';
import { LOAD_COLUMNS, loadSubject, type LoadTarget } from './lib/gateway-load';
import { main } from './lib/main';
import { benchOptions, PROFILE, profileArguments } from './lib/options';
import { startOurGateway } from './lib/our-gateway';
import { AGAINST } from './lib/our-script';
import { emptyRedis, startRedis } from './lib/redis';
import { exitOnlyRoute, requireSameShape, startStockGateway } from './lib/stock-gateway';
import type { RatioWanted } from './lib/rounds';
import type { WrkRequest } from './lib/wrk';

const BODY = JSON.stringify({
  order: 4711,
  lines: Array.from({ length: 8 }, (_, n) => ({ sku: `A-${n}`, n })),
});
const HEADERS = { 'Content-Type': 'application/json', 'User-Agent': 'bench' };
const submitTo = (target: string): WrkRequest => ({ method: 'POST', target, headers: HEADERS, body: BODY });

/** More than any run submits: a full queue answers faster than one with room. */
const MAX_WAITING = 10_000_000;

/** Is never called, because no worker runs. */
const NO_UPSTREAM = 'http://127.0.0.1:9';

const OURS = 'our plugin';
const WITHOUT_INCLUDE = 'our plugin, no nginx include';
const STOCK = 'stock, exit only';
const TERMINATION = 'request-termination';
const PROXY = 'plain proxy';

/** Another state of the plugin, for a comparison of before and after. */
const OTHER = 'the other checkout';

interface Gateways {
  readonly ours: Gateway;
  readonly withoutInclude: Gateway;
  readonly stock: Gateway;
  readonly other: Gateway | undefined;
}

main(async (releasers) => {
  const options = benchOptions(
    'ts-node bench/accept.ts [options]',
    {
      seconds: { default: 5, help: 'length of a measurement' },
      'warm-up': { default: 3, help: 'seconds before the first' },
      connections: { default: 50, help: 'connections of wrk' },
    },
    { ...PROFILE, ...AGAINST },
  );
  const redis = await startRedis(releasers);
  const nodeArguments = profileArguments(options.profile);
  const gateways = await startGateways(releasers, redis, nodeArguments, options.against);
  const { seconds, connections } = options;
  const load = { seconds, connections, warmUpSeconds: options['warm-up'] };
  await runBenchmark(
    {
      name: 'accept',
      settings: { ...load, requestBytes: BODY.length },
      subjects: targets(gateways, redis).map((target) => loadSubject(target, load)),
      rounds: options.rounds,
      calmSeconds: options.calm,
      columns: LOAD_COLUMNS,
      ratios: [...RATIOS, ...(options.against === undefined ? [] : RATIOS_TO_OTHER)],
    },
    await describeEnvironment(gateways.ours, redis),
    options.out,
  );
});

const ratios = (of: string, to: string, ...metrics: string[]): RatioWanted[] =>
  metrics.map((metric) => ({ metric, of, to }));

const RATIOS = [
  ...ratios(OURS, STOCK, 'requestsPerSecond', 'p50Ms', 'p99Ms', 'allMicros'),
  ...ratios(WITHOUT_INCLUDE, STOCK, 'requestsPerSecond', 'allMicros'),
  ...ratios(OURS, WITHOUT_INCLUDE, 'requestsPerSecond'),
  ...ratios(OURS, PROXY, 'requestsPerSecond'),
];
const RATIOS_TO_OTHER = [
  ...ratios(OURS, OTHER, 'requestsPerSecond', 'allMicros'),
  ...ratios(OURS, OTHER, 'gatewayMicros', 'pluginServerMicros', 'redisMicros'),
];

async function startGateways(
  releasers: Releasers,
  redis: RedisServer,
  nodeArguments: readonly string[],
  against: string | undefined,
): Promise<Gateways> {
  const started = (gateway: Gateway): Gateway => {
    releasers.add(() => gateway.stop());
    return gateway;
  };
  const jobs = { name: 'jobs', config: { queue: { max_waiting: MAX_WAITING } } };
  const common = { redis, upstreamUrl: NO_UPSTREAM, nodeArguments, routes: [jobs] };
  const withoutInclude = started(
    await startOurGateway({ ...common, keyPrefix: 'bench-a', nginxInclude: false }),
  );
  const other =
    against === undefined
      ? undefined
      : started(await startOurGateway({ ...common, keyPrefix: 'bench-b', checkout: against }));
  const answer = await submit(withoutInclude);
  const stock = started(
    await startStockGateway([exitOnlyRoute('jobs', answer), terminated(answer)], NO_UPSTREAM),
  );
  // The plain proxy needs an upstream that is faster than itself: nginx, on the other gateway.
  const serviceUrl = `${stock.proxyUrl}/terminated`;
  const proxied: RouteOptions = { name: 'proxied', config: false, serviceUrl };
  const ours = started(await startOurGateway({ ...common, keyPrefix: 'bench-c', routes: [jobs, proxied] }));
  requireSameShape(await submit(ours), await submit(stock));
  return { ours, withoutInclude, stock, other };
}

/** Kong's own plugin that responds without an upstream, with as many bytes as our 202 has. */
function terminated(answer: HttpResponse): RouteOptions {
  const config = { status_code: 202, content_type: 'application/json', body: answer.text };
  return { name: 'terminated', config: false, plugins: [{ name: 'request-termination', config }] };
}

async function submit(gateway: Gateway): Promise<HttpResponse> {
  const answer = await new HttpClient(gateway.proxyPort).request('/jobs', {
    method: 'POST',
    headers: HEADERS,
    body: BODY,
  });
  if (answer.status !== 202) {
    throw new Error(`a submit got ${answer.status}: ${answer.text}`);
  }
  return answer;
}

function targets({ ours, withoutInclude, stock, other }: Gateways, redis: RedisServer): LoadTarget[] {
  const requests = [submitTo('/jobs')];
  const prepare = (): Promise<void> => emptyRedis(redis);
  return [
    { name: OURS, gateway: ours, requests, redis, prepare },
    ...(other === undefined ? [] : [{ name: OTHER, gateway: other, requests, redis, prepare }]),
    { name: WITHOUT_INCLUDE, gateway: withoutInclude, requests, redis, prepare },
    { name: STOCK, gateway: stock, requests },
    { name: TERMINATION, gateway: stock, requests: [submitTo('/terminated')] },
    { name: PROXY, gateway: ours, requests: [submitTo('/proxied')] },
  ];
}
