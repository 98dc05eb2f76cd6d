// The limits of a queue, from the settings of all the plugin instances that submit to it.
import type { JobSettings } from '../jobs/job-settings';

export interface QueueLimits {
  readonly concurrency: number;
  /** Jobs that may start in each `ratePerMs`. */
  readonly rateMax: number;
  readonly ratePerMs: number;
}

/** In effect no limit. One is always set, since BullMQ pauses a queue only if it has a rate limit. */
const UNLIMITED = { rateMax: 1_000_000_000, ratePerMs: 1000 };

/** Returns the smallest of each limit; undefined without settings. */
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
