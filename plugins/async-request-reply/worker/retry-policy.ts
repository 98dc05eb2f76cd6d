// Decides what follows an attempt: the job's result, another attempt, or a failure.
import type { AttemptEnd } from '../jobs/job-outcomes';
import type { JobSettings } from '../jobs/job-settings';
import { retryAfterMs } from '../http/retry-after';
import type { ResponseHead } from '../http/upstream-request';
import type { CallFailure } from '../dispatch/call-outcome';

type RetrySettings = Pick<JobSettings, 'retryStatuses' | 'backoffMs' | 'maxBackoffMs' | 'connectAttempts'>;

/**
 * Exponential backoff with equal jitter: evenly distributed between the half and the whole of
 * `min(backoffMs * 2^(attempt - 1), maxBackoffMs)`. The lower bound makes the total time of all attempts predictable.
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

/** Returns for how many milliseconds an upstream wants no request at all: the Retry-After of a 429 or 503, else 0. */
export const pauseMs = (head: ResponseHead, nowMs: number): number =>
  head.status === 429 || head.status === 503 ? (retryAfterMs(head.headers, nowMs) ?? 0) : 0;

/** The attempt that a call belongs to. */
export interface AttemptFacts {
  /** Its number, from 1. */
  readonly attempt: number;
  /** Whether the request may be sent again after it may have arrived. */
  readonly repeatable: boolean;
  readonly settings: RetrySettings;
}

/**
 * Decides what follows a response. 429, and 503 with Retry-After, say that the request was not processed: they are
 * retried whatever the method.
 */
export function afterResponse(
  head: ResponseHead,
  { attempt, repeatable, settings }: AttemptFacts,
  nowMs: number,
): AttemptEnd {
  if (!settings.retryStatuses.includes(head.status)) {
    return { outcome: 'completed', upstreamStatus: head.status };
  }
  const requestedMs = retryAfterMs(head.headers, nowMs);
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
 * Decides what follows a call without a response. A request that may have arrived is repeated only if that is safe. A request
 * that was never sent is safe to repeat, and `connectAttempts` alone limits how often.
 */
export function afterFailure(
  failure: CallFailure,
  { attempt, repeatable, settings }: AttemptFacts,
): AttemptEnd {
  const error = { code: failure.code, detail: failure.detail, proxyError: failure.proxyError };
  if (!failure.retryable || (!repeatable && failure.mayHaveArrived)) {
    return { outcome: 'failed', error };
  }
  const retry: AttemptEnd = { outcome: 'retry', error, delayMs: backoffMs(attempt, settings) };
  return isConnectError(failure) ? { ...retry, connectAttempts: settings.connectAttempts } : retry;
}

/** Not a failure in the plugin itself, before it tried to connect. */
const isConnectError = ({ mayHaveArrived, proxyError }: CallFailure): boolean =>
  !mayHaveArrived && proxyError !== 'proxy_internal_error';
