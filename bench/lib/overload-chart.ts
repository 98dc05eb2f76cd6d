// The picture of an overload: what came, what got done, how long it took and what failed, with the plugin and without.
import { lineChart, type Panel, type Series } from './line-chart';
import type { Outcome, RisingLoad } from './rising-load';
import { percentile } from './statistics';

/** All rounds of one way to the upstream together. */
export interface Pooled {
  readonly rounds: number;
  readonly outcomes: readonly Outcome[];
}

const BIN_SECONDS = 2;

const DIRECT = { label: 'straight through', colour: '#c2410c' };
const OURS = { label: 'with the plugin', colour: '#1d4ed8' };
const ACCEPT = { label: 'its 202', colour: '#60a5fa', isDashed: true };
const OFFERED = { label: 'offered', colour: '#6b7280', isDashed: true };

export function overloadChart(load: RisingLoad, direct: Pooled, ours: Pooled): string {
  const title = 'The same rising load on the same upstream';
  return lineChart({
    title,
    description: `${title}, straight through the gateway and through the plugin: completed requests a second, 99th percentile of the time to the response, errors a second.`,
    xTitle: 'seconds since the load began',
    panels: [throughput(load, direct, ours), latency(load, direct, ours), errors(direct, ours)],
  });
}

function throughput(load: RisingLoad, direct: Pooled, ours: Pooled): Panel {
  const done = (pooled: Pooled): Series['points'] =>
    perSecond(
      pooled,
      pooled.outcomes.filter(({ isCompleted }) => isCompleted),
    );
  return {
    title: 'completed a second',
    scale: 'linear',
    unit: String,
    series: [
      { ...OFFERED, points: offered(load) },
      { ...DIRECT, points: done(direct) },
      { ...OURS, points: done(ours) },
    ],
  };
}

function latency(load: RisingLoad, direct: Pooled, ours: Pooled): Panel {
  const toResponse = ({ endedMs, arrivedMs }: Outcome): number => endedMs - arrivedMs;
  const toAccept = ({ acceptedMs = NaN, arrivedMs }: Outcome): number => acceptedMs - arrivedMs;
  const accepted = ours.outcomes.filter(({ acceptedMs }) => acceptedMs !== undefined);
  const completed = (pooled: Pooled): Outcome[] => pooled.outcomes.filter(({ isCompleted }) => isCompleted);
  return {
    title: 'p99 of the completed, by arrival',
    scale: 'log',
    unit: (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`),
    series: [
      { ...DIRECT, points: p99(load, completed(direct), toResponse) },
      { ...OURS, points: p99(load, completed(ours), toResponse) },
      { ...ACCEPT, points: p99(load, accepted, toAccept) },
    ],
  };
}

function errors(direct: Pooled, ours: Pooled): Panel {
  const failed = (pooled: Pooled): Series['points'] =>
    perSecond(
      pooled,
      pooled.outcomes.filter(({ isCompleted }) => !isCompleted),
    );
  return {
    title: 'errors a second',
    scale: 'linear',
    unit: String,
    series: [
      { ...DIRECT, points: failed(direct) },
      { ...OURS, points: failed(ours) },
    ],
  };
}

function offered({ rates, stepSeconds }: RisingLoad): [number, number][] {
  const steps = rates.flatMap((rate, step): [number, number][] => [
    [step * stepSeconds, rate],
    [(step + 1) * stepSeconds, rate],
  ]);
  return [...steps, [rates.length * stepSeconds, 0]];
}

/** How many of the outcomes ended in each bin, as a rate, up to the end of the run. */
function perSecond({ rounds, outcomes }: Pooled, counted: readonly Outcome[]): [number, number][] {
  const end = Math.max(...outcomes.map(({ endedMs }) => endedMs)) / 1000;
  const bins = Array.from({ length: Math.ceil(end / BIN_SECONDS) + 1 }, () => 0);
  for (const { endedMs } of counted) {
    const bin = Math.floor(endedMs / 1000 / BIN_SECONDS);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins.map((count, bin) => [(bin + 0.5) * BIN_SECONDS, count / BIN_SECONDS / rounds]);
}

/** By time of arrival; a bin in which nothing arrived has no point. */
function p99(
  load: RisingLoad,
  outcomes: readonly Outcome[],
  msOf: (outcome: Outcome) => number,
): [number, number][] {
  const bins = Math.ceil((load.rates.length * load.stepSeconds) / BIN_SECONDS);
  return Array.from({ length: bins }, (_, bin): [number, number[]] => {
    const inBin = outcomes.filter(({ arrivedMs }) => Math.floor(arrivedMs / 1000 / BIN_SECONDS) === bin);
    return [(bin + 0.5) * BIN_SECONDS, inBin.map(msOf)];
  })
    .filter(([, values]) => values.length > 0)
    .map(([x, values]) => [x, percentile(values, 99)]);
}
