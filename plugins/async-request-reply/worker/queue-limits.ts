// The limits of a queue, out of the settings of all the instances that fill it.
import type { JobSettings } from '../jobs/job-settings';

export interface QueueLimits {
  readonly concurrency: number;
  /** Starts in each `ratePerMs`. */
  readonly rateMax: number;
  readonly ratePerMs: number;
}

/** No limit in effect. One is always set, since BullMQ holds a queue back only where it has a limit. */
const UNLIMITED = { rateMax: 1_000_000_000, ratePerMs: 1000 };

/** The smallest of each; undefined where there are no settings. */
export function queueLimits(settings: readonly JobSettings[]): QueueLimits | undefined {
  if (settings.length === 0) {
    return undefined;
  }
  const perMs = (limit: { rateMax: number; ratePerMs: number }): number => limit.rateMax / limit.ratePerMs;
  const rate = settings
    .filter((one) => one.rateMax > 0)
    .reduce<{ rateMax: number; ratePerMs: number }>(
      (least, one) => (perMs(one) < perMs(least) ? one : least),
      UNLIMITED,
    );
  return {
    concurrency: Math.min(...settings.map((one) => one.concurrency)),
    rateMax: rate.rateMax,
    ratePerMs: rate.ratePerMs,
  };
}

export const sameLimits = (a: QueueLimits | undefined, b: QueueLimits | undefined): boolean =>
  a?.concurrency === b?.concurrency && a?.rateMax === b?.rateMax && a?.ratePerMs === b?.ratePerMs;
