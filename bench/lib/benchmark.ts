// A benchmark from its subjects to its report: a table on stdout, and everything that was measured as JSON.
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import type { Environment } from './environment';
import {
  pairRatios,
  runRounds,
  valuesOf,
  type Measured,
  type Ratio,
  type RatioWanted,
  type Subject,
} from './rounds';
import { spread, type Spread } from './statistics';
import { table } from './table';

interface Benchmark {
  readonly name: string;
  /** What a reader has to know of the sizes: counts, seconds, connections. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly subjects: readonly Subject[];
  readonly rounds: number;
  readonly calmSeconds: number;
  /** Metrics in the order of the table's columns, with their heads. What a subject does not have is left blank. */
  readonly columns: Readonly<Record<string, string>>;
  readonly ratios: readonly RatioWanted[];
}

interface Report {
  readonly benchmark: string;
  readonly at: string;
  readonly environment: Environment;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly results: readonly (Measured & { readonly summary: Readonly<Record<string, Spread>> })[];
  readonly ratios: readonly Ratio[];
  /** Load average of the last minute when all was over: the benchmark's own load is in it. */
  readonly loadAverageAfter: number;
}

/** Measures, prints, and writes the report to `out` if that is given. */
export async function runBenchmark(
  benchmark: Benchmark,
  environment: Environment,
  out: string | undefined,
): Promise<Report> {
  const at = new Date().toISOString();
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const measured = await runRounds(benchmark.subjects, { ...benchmark, tell });
  const report: Report = {
    benchmark: benchmark.name,
    at,
    environment,
    settings: { ...benchmark.settings, rounds: benchmark.rounds },
    results: measured.map((one) => ({ ...one, summary: summary(one) })),
    ratios: benchmark.ratios.map((wanted) => pairRatios(measured, wanted)),
    loadAverageAfter: os.loadavg()[0] ?? NaN,
  };
  process.stdout.write(reportText(report, benchmark.columns));
  if (out !== undefined) {
    writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
  }
  return report;
}

function summary(measured: Measured): Record<string, Spread> {
  const names = Object.keys(measured.samples[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, spread(valuesOf([measured], measured.subject, name))]),
  );
}

function reportText(report: Report, columns: Readonly<Record<string, string>>): string {
  const { environment, settings, results, ratios } = report;
  const { cores, cpu, memoryGiB, loadAverage } = environment.machine;
  const shown = { ...columns, busyCores: 'cores busy before' };
  const rows = results.map(({ subject, summary: spreads }) => [
    subject,
    ...Object.keys(shown).map((metric) => spreadText(spreads[metric])),
  ]);
  return `${[
    `${report.benchmark}: ${environment.gateway}`,
    pairsText(environment.versions),
    `${cores} cores (${cpu}), ${memoryGiB} GiB, load ${loadAverage.toFixed(1)} before, ${report.loadAverageAfter.toFixed(1)} after`,
    pairsText(settings),
    '',
    table(['median (min to max)', ...Object.values(shown)], rows),
    ...(ratios.length === 0 ? [] : ['', ...ratios.map(ratioText)]),
  ].join('\n')}\n`;
}

function ratioText({ metric, of, to, median, min, max }: Ratio): string {
  return `${metric}, ${of} / ${to}: ${spreadText({ median, min, max })}`;
}

/** One figure if all are the same. */
function spreadText(found: Spread | undefined): string {
  if (found === undefined) {
    return '';
  }
  const [median, min, max] = [found.median, found.min, found.max].map(rounded);
  return min === max ? String(median) : `${median} (${min} to ${max})`;
}

const pairsText = (pairs: Readonly<Record<string, unknown>>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');

/** Three digits, or the whole number. */
function rounded(value: number): string {
  if (value === 0) {
    return '0';
  }
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toFixed(digits);
}
