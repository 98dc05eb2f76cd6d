import { queueLimits, sameLimits } from '../../../plugins/async-request-reply/worker/queue-limits';
import type { JobSettings } from '../../../plugins/async-request-reply/jobs/job-settings';

const settings = (concurrency: number, rateMax = 0, ratePerMs = 0): JobSettings =>
  ({ concurrency, rateMax, ratePerMs }) as JobSettings;

describe('limits of a queue that several instances fill', () => {
  test('are the smallest of each', () => {
    expect(queueLimits([settings(5, 10, 1000), settings(3, 30, 60_000), settings(9)])).toEqual({
      concurrency: 3,
      rateMax: 30,
      ratePerMs: 60_000,
    });
  });

  test('have no rate limit if no instance sets one', () => {
    const limits = queueLimits([settings(5)]);
    expect(limits?.concurrency).toBe(5);
    expect(Number(limits?.rateMax) / Number(limits?.ratePerMs)).toBeGreaterThan(100_000);
  });

  test('are unknown without settings', () => {
    expect(queueLimits([])).toBeUndefined();
  });

  test('are uniform if all instances agree', () => {
    expect(sameLimits(queueLimits([settings(1)]), queueLimits([settings(1), settings(2)]))).toBe(true);
    expect(sameLimits(queueLimits([settings(1)]), queueLimits([settings(2)]))).toBe(false);
    expect(sameLimits(undefined, queueLimits([settings(2)]))).toBe(false);
  });
});
