import { retryAfterSeconds } from '../../../plugins/async-request-reply/access/retry-after';
import { parseJobRecord, type JobRecord } from '../../../plugins/async-request-reply/jobs/job-record';

const NOW = 1_800_000_000_000;

/** A job that came so many seconds ago. */
function job(state: string, agoSeconds: number, fields: Record<string, string> = {}): JobRecord {
  const record = parseJobRecord('ID', {
    v: '1',
    state,
    created_at: String(NOW - agoSeconds * 1000),
    not_before: '0',
    ...fields,
  });
  if (record === undefined) throw new Error('no record');
  return record;
}

const standing = (position: number | undefined, settled: number, seconds: number, pausedMs = 0) => ({
  position,
  settled,
  windowMs: seconds * 1000,
  pausedMs,
});

describe('Retry-After of a job', () => {
  test.each([
    ['that runs is what the route says', job('running', 100), undefined, 2],
    ['whose place is not known is what the route says', job('queued', 100), undefined, 2],
    ['in a queue that has not moved is what the route says', job('queued', 100), standing(50, 0, 100), 2],
    ['that is next is what the route says', job('queued', 100), standing(1, 10, 100), 2],
    ['with 20 before it, of which one takes a second, is 20', job('queued', 60), standing(21, 60, 60), 20],
    ['grows with the queue before it', job('queued', 60), standing(41, 60, 60), 40],
    ['is never longer than it has waited', job('queued', 5), standing(1001, 5, 5), 5],
    ['is no guess of more than five minutes', job('queued', 3000), standing(100_000, 60, 60), 300],
    ['is never less than the route says', job('queued', 60), standing(2, 600, 60), 2],
    ['whose queue is held for 89.5 s is 90', job('queued', 1), standing(1, 60, 60, 89_500), 90],
    [
      'that runs while its queue is held is what the route says',
      job('running', 1),
      standing(1, 60, 60, 89_500),
      2,
    ],
    ['that may start in 90 s is 90', job('queued', 1, { not_before: String(NOW + 90_000) }), undefined, 90],
    [
      'whose next attempt is in 7.2 s is 8',
      job('retrying', 60, { not_before: String(NOW + 7200) }),
      undefined,
      8,
    ],
    [
      'whose pause is over is what the route says',
      job('retrying', 60, { not_before: String(NOW - 1) }),
      undefined,
      2,
    ],
  ])('%s', (_case, record, where, expected) => {
    expect(retryAfterSeconds(record, 2, where, NOW)).toBe(expected);
  });
});
