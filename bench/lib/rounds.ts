// The runner of all benchmarks: everything that is compared is measured in turn, A B A B…, so that whatever else the
// machine does falls on all alike, and is compared within its round only.
import { waitForCalm } from './calm';
import { spread, type Spread } from './statistics';

/** By name, with the unit in it: `requestsPerSecond`, `p99Ms`. */
export type Metrics = Readonly<Record<string, number>>;

export interface Turn {
  /** From 0. */
  readonly round: number;
  /** The first turn of each subject: what it measures is not kept. */
  readonly isWarmUp: boolean;
}

/** One of the things compared. */
export interface Subject {
  readonly name: string;
  measure(turn: Turn): Promise<Metrics>;
}

export interface Measured {
  readonly subject: string;
  /** One a round. */
  readonly samples: readonly Metrics[];
}

/** A ratio that a benchmark reports: of one subject's metric to another's, round by round. */
export interface RatioWanted {
  readonly metric: string;
  readonly of: string;
  readonly to: string;
}

export interface Ratio extends RatioWanted, Spread {
  readonly pairs: readonly number[];
}

interface RoundOptions {
  readonly rounds: number;
  /** How long each turn waits for a machine that does nothing else. */
  readonly calmSeconds: number;
  /** Hears of each turn. */
  readonly tell: (line: string) => void;
}

/** Warms every subject up, then measures them round by round, and notes for each turn how busy the machine was before. */
export async function runRounds(
  subjects: readonly Subject[],
  { rounds, calmSeconds, tell }: RoundOptions,
): Promise<Measured[]> {
  for (const subject of subjects) {
    tell(`warm-up: ${subject.name}`);
    await subject.measure({ round: 0, isWarmUp: true });
  }
  const samples = subjects.map((): Metrics[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      tell(`round ${round + 1} of ${rounds}: ${subject.name}`);
      const busyCores = await waitForCalm(calmSeconds);
      const metrics = await subject.measure({ round, isWarmUp: false });
      samples[index]?.push({ ...metrics, busyCores });
    }
  }
  return subjects.map(({ name }, index) => ({ subject: name, samples: samples[index] ?? [] }));
}

/** @throws when there is no such subject or metric */
export function pairRatios(measured: readonly Measured[], wanted: RatioWanted): Ratio {
  const numerators = valuesOf(measured, wanted.of, wanted.metric);
  const denominators = valuesOf(measured, wanted.to, wanted.metric);
  const pairs = numerators.map((value, round) => value / (denominators[round] ?? NaN));
  return { ...wanted, pairs, ...spread(pairs) };
}

/** @throws when there is no such subject, or a sample of it lacks the metric */
export function valuesOf(measured: readonly Measured[], subject: string, metric: string): number[] {
  const found = measured.find((one) => one.subject === subject);
  if (found === undefined) {
    throw new Error(`nothing was measured of ${subject}`);
  }
  return found.samples.map((sample) => {
    const value = sample[metric];
    if (value === undefined) {
      throw new Error(`${subject} has no ${metric}`);
    }
    return value;
  });
}
