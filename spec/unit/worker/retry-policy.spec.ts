import type { CallFailure } from '../../../plugins/async-request-reply/dispatch/call-outcome';
import {
  afterFailure,
  afterResponse,
  backoffMs,
  pauseMs,
} from '../../../plugins/async-request-reply/worker/retry-policy';

const SETTINGS = {
  retryStatuses: [408, 429, 500, 502, 503, 504],
  backoffMs: 1000,
  maxBackoffMs: 60_000,
  connectAttempts: 10,
};
const FIRST = { attempt: 1, repeatable: true, settings: SETTINGS };
const FIRST_OF_POST = { ...FIRST, repeatable: false };
const NOW = Date.parse('2026-01-01T00:00:00Z');
const head = (status: number, retryAfter?: string) => ({
  status,
  headers: retryAfter === undefined ? [] : ([['Retry-After', retryAfter]] as const),
});

describe('backoff', () => {
  it.each([
    [1, 1000],
    [2, 2000],
    [5, 16_000],
    [7, 60_000],
    [20, 60_000],
  ])(
    'before the attempt after number %i is spread evenly from the half of %i ms to all of them',
    (attempt, ceiling) => {
      expect(backoffMs(attempt, SETTINGS, () => 0)).toBe(ceiling / 2);
      expect(backoffMs(attempt, SETTINGS, () => 0.5)).toBe(ceiling * 0.75);
      expect(backoffMs(attempt, SETTINGS, () => 1)).toBe(ceiling);
    },
  );
});

describe('after a response', () => {
  it.each([200, 201, 302, 404, 422, 501])('%i is the result', (status) => {
    expect(afterResponse(head(status), FIRST, NOW)).toEqual({
      outcome: 'completed',
      upstreamStatus: status,
    });
  });

  it.each([408, 429, 500, 502, 503, 504])('%i is tried again where the call may be repeated', (status) => {
    expect(afterResponse(head(status), FIRST, NOW)).toMatchObject({
      outcome: 'retry',
      upstreamStatus: status,
    });
  });

  it.each([408, 500, 502, 503, 504])('%i to a POST is its result, and a dead letter', (status) => {
    expect(afterResponse(head(status), FIRST_OF_POST, NOW)).toEqual({
      outcome: 'completed',
      upstreamStatus: status,
      keepRequest: true,
    });
  });

  it('429, and 503 with Retry-After, are tried again whatever the method, not before the upstream asks', () => {
    expect(afterResponse(head(429), FIRST_OF_POST, NOW)).toMatchObject({ outcome: 'retry' });
    const end = afterResponse(head(503, '30'), FIRST_OF_POST, NOW);
    expect(end.outcome).toBe('retry');
    expect(end.delayMs).toBeGreaterThanOrEqual(30_000);
  });
});

describe('after a failure', () => {
  const failure: CallFailure = {
    kind: 'failure',
    code: 'upstream-failed',
    detail: 'd',
    proxyError: 'p',
    mayHaveArrived: true,
    retryable: true,
  };

  it.each([
    ['a call that may be repeated', true, failure, 'retry'],
    ['a POST that never left', false, { ...failure, mayHaveArrived: false }, 'retry'],
    ['a POST that may have arrived', false, failure, 'failed'],
    ['what no attempt would mend', true, { ...failure, retryable: false }, 'failed'],
  ])('of %s (repeatable: %p) the job is %4$s', (_case, repeatable, why, outcome) => {
    expect(afterFailure(why, { ...FIRST, repeatable })).toMatchObject({
      outcome,
      error: { code: 'upstream-failed', detail: 'd', proxyError: 'p' },
    });
  });

  it.each([
    ['that never left is counted by connect_attempts', { ...failure, mayHaveArrived: false }, 10],
    ['that may have arrived is counted by attempts', failure, undefined],
    [
      'whose request was lost here is counted by attempts',
      { ...failure, mayHaveArrived: false, proxyError: 'proxy_internal_error' },
      undefined,
    ],
  ])('one %s', (_case, why, connectAttempts) => {
    expect(afterFailure(why, FIRST).connectAttempts).toBe(connectAttempts);
  });
});

describe('a pause', () => {
  it.each([
    [429, '7', 7000],
    [503, '7', 7000],
    [429, undefined, 0],
    [500, '7', 0],
    [202, '7', 0],
  ])('is asked for by a %i with Retry-After %p: %i ms', (status, retryAfter, ms) => {
    expect(pauseMs(head(status, retryAfter), NOW)).toBe(ms);
  });
});
