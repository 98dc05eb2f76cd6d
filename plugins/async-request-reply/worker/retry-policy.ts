// What becomes of a job after an attempt: its result, another attempt, or a failure.
import type { AttemptEnd } from '../jobs/job-outcomes';
import type { JobSettings } from '../jobs/job-settings';
import { parseHttpDate } from '../http/http-date';
import type { ResponseHead } from '../http/upstream-request';
import type { CallFailure } from '../dispatch/http/call-outcome';

export type RetrySettings = Pick<
  JobSettings,
  'retryStatuses' | 'backoffMs' | 'maxBackoffMs' | 'connectAttempts'
>;

/**
 * Exponential backoff with equal jitter: evenly between the half and the whole of `backoffMs * 2^(attempt - 1)`, the
 * latter cut at `maxBackoffMs`. The lower half is what makes the attempts span a time that can be told beforehand.
 *
 * @param attempt the number of the attempt that failed, from 1.
 */
export function backoffMs(
  attempt: number,
  settings: RetrySettings,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(settings.maxBackoffMs, settings.backoffMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round((ceiling / 2) * (1 + random()));
}

/** What a number of seconds too large to be kept stands for (RFC 9111, 1.2.2). */
const MAX_DELAY_SECONDS = 2 ** 31;

/**
 * Milliseconds that a response's `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date), undefined where it
 * has none that can be read.
 */
export function retryAfterMs(head: ResponseHead, nowMs: number): number | undefined {
  const value = head.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1].trim();
  if (value === undefined) {
    return undefined;
  }
  if (/^\d+$/.test(value)) {
    return Math.min(Number(value), MAX_DELAY_SECONDS) * 1000;
  }
  const date = parseHttpDate(value, nowMs);
  return date === undefined ? undefined : Math.max(0, date - nowMs);
}

/** Milliseconds for which an upstream wants no request at all: what a 429 or 503 asks for, else 0. */
export const pauseMs = (head: ResponseHead, nowMs: number): number =>
  head.status === 429 || head.status === 503 ? (retryAfterMs(head, nowMs) ?? 0) : 0;

/**
 * What to do with a response. 429, and 503 with Retry-After, say that the request was not processed: they are
 * tried again whatever the method.
 */
export function afterResponse(
  head: ResponseHead,
  attempt: number,
  repeatable: boolean,
  settings: RetrySettings,
  nowMs: number,
): AttemptEnd {
  if (!settings.retryStatuses.includes(head.status)) {
    return { outcome: 'completed', upstreamStatus: head.status };
  }
  const requestedMs = retryAfterMs(head, nowMs);
  const notProcessed = head.status === 429 || (head.status === 503 && requestedMs !== undefined);
  return repeatable || notProcessed
    ? {
        outcome: 'retry',
        upstreamStatus: head.status,
        delayMs: Math.max(requestedMs ?? 0, backoffMs(attempt, settings)),
      }
    : { outcome: 'completed', upstreamStatus: head.status, keepRequest: true };
}

/**
 * What to do with a call that had no response. One that may have arrived is repeated only where that is safe. One that never
 * left is safe to repeat whatever it is, and is counted by `connectAttempts` alone.
 */
export function afterFailure(
  failure: CallFailure,
  attempt: number,
  repeatable: boolean,
  settings: RetrySettings,
): AttemptEnd {
  const error = { code: failure.code, detail: failure.detail, proxyError: failure.proxyError };
  return failure.retryable && (repeatable || !failure.mayHaveArrived)
    ? {
        outcome: 'retry',
        error,
        delayMs: backoffMs(attempt, settings),
        ...(isConnectError(failure) && { connectAttempts: settings.connectAttempts }),
      }
    : { outcome: 'failed', error };
}

/** Not what kept the request here before a connection was tried. */
const isConnectError = ({ mayHaveArrived, proxyError }: CallFailure): boolean =>
  !mayHaveArrived && proxyError !== 'proxy_internal_error';
