// wrk against a gateway, and what the request costs in each process on its way.
import type { Gateway } from '../../spec/helpers/gateway';
import type { RedisServer } from '../../spec/helpers/redis-server';
import { metered } from './cpu-meter';
import { gatewayPids, redisPid } from './processes';
import type { Metrics, Subject } from './rounds';
import { runWrk, type WrkRequest } from './wrk';

interface LoadOptions {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
}

export interface LoadTarget {
  readonly name: string;
  readonly gateway: Gateway;
  readonly requests: readonly WrkRequest[];
  readonly redis?: RedisServer;
  /** What runs before each turn, outside the measurement. */
  readonly prepare?: () => Promise<void>;
}

/** The metrics of {@link loadSubject}, as heads of a table. */
export const LOAD_COLUMNS = {
  requestsPerSecond: 'requests/s',
  p50Ms: 'p50 ms',
  p99Ms: 'p99 ms',
  failed: 'failed',
  gatewayMicros: 'gateway µs',
  pluginServerMicros: 'plugin server µs',
  redisMicros: 'Redis µs',
  othersCores: 'cores others used',
};

/** A subject that is measured by as many requests as it answers. The `…Micros` are processor time for one request. */
export function loadSubject(target: LoadTarget, load: LoadOptions): Subject {
  return {
    name: target.name,
    measure: async ({ isWarmUp }): Promise<Metrics> => {
      await target.prepare?.();
      const { gateway, requests, redis } = target;
      const groups = {
        gateway: gatewayPids(gateway),
        pluginServer: await gateway.pluginServerPids(),
        redis: redis === undefined ? [] : [await redisPid(redis)],
      };
      const seconds = isWarmUp ? load.warmUpSeconds : load.seconds;
      const { connections } = load;
      const { result, cpuSeconds, othersCores } = await metered(groups, () =>
        runWrk({ url: gateway.proxyUrl, seconds, connections, requests }),
      );
      if (result.requests === 0) {
        throw new Error(`${target.name} answered nothing:\n${await gateway.log()}`);
      }
      const micros = (group: string): number => ((cpuSeconds[group] ?? 0) * 1e6) / result.requests;
      return {
        requestsPerSecond: result.requests / result.seconds,
        p50Ms: result.p50Ms,
        p99Ms: result.p99Ms,
        failed: result.failed,
        gatewayMicros: micros('gateway'),
        pluginServerMicros: micros('pluginServer'),
        redisMicros: micros('redis'),
        allMicros: micros('gateway') + micros('pluginServer') + micros('redis'),
        othersCores,
      };
    },
  };
}
