import { retryAfterMs } from '../../../plugins/async-request-reply/http/retry-after';

const NOW = Date.parse('2026-01-01T00:00:00Z');

it.each([
  ['7', 7000],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['soon', undefined],
  ['-1', undefined],
  ['0.5', undefined],
  ['2026-01-01T00:01:00Z', undefined],
  ['9'.repeat(30), 2 ** 31 * 1000],
  ['9'.repeat(400), 2 ** 31 * 1000],
])('Retry-After: %p asks for %p ms', (value, ms) => {
  // Date.parse reads '-1' as a year, long past, which asks for nothing.
  expect(retryAfterMs([['Retry-After', value]], NOW) || undefined).toBe(ms || undefined);
});

it('asks for nothing without the field', () => {
  expect(retryAfterMs([['Date', 'Thu, 01 Jan 2026 00:01:00 GMT']], NOW)).toBeUndefined();
});
