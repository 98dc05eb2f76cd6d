// The reply to a submit whose job has been accepted: 202, or the outcome of the job if the client or the route waits.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import type { Preferences } from '../../http/prefer';
import type { HeaderField, Reply } from '../../http/reply';
import { isSettled, type JobRecord } from '../../jobs/job-record';
import type { RouteContext } from '../access-context';
import { toLocation, type JobLinks } from '../job-links';
import { settledResult } from '../poll/settled-result';
import { jobHeaders, pendingReply, proxyError, statusReply, withJobId } from '../replies';
import { retryAfterSeconds } from '../retry-after';
import { appliedPreferences, submitWaitMs } from '../route/wait-limit';
import type { RouteSettings } from '../route/route-settings';

/** The job to answer for, and what its submit asked for. */
interface Accepted {
  /** As it was accepted; it may have changed since. */
  readonly job: JobRecord;
  readonly links: JobLinks | undefined;
  readonly preferences: Preferences;
  /** Of the submit. */
  readonly method: string;
  /** Whether the reply goes through nginx, which accepts a limited header section. */
  readonly isHandedOff: boolean;
}

/**
 * Answers 202 at once if nobody waits. Else the request waits until the job settles, and the reply is its result. If the wait times
 * out, the reply is a 202 with the state of the job; with `wait.on_timeout: error` it is a 504, and the job is cancelled.
 *
 * The job is accepted. The client gets its 202 even if Redis fails during the wait.
 */
export async function answerAccepted(context: RouteContext, accepted: Accepted): Promise<Reply> {
  const { settings, store } = context;
  const { job, preferences } = accepted;
  const limitMs = submitWaitMs(preferences, settings);
  if (limitMs <= 0) {
    return firstReply(accepted, settings);
  }
  try {
    const end = await store.waitForSettle(job, limitMs, settings.wait.max_waiting);
    return end === 'rejected'
      ? firstReply(accepted, settings)
      : await withJobId(job.id, settings, () =>
          replyAfterWait(context, accepted, end === 'timeout' ? limitMs : 0),
        );
  } catch (error) {
    if (error instanceof AsyncError) {
      return firstReply(accepted, settings);
    }
    throw error;
  }
}

/** The 202 of a job that has just been accepted. It needs nothing more from Redis. */
function firstReply({ job, links, preferences }: Accepted, settings: RouteSettings): Reply {
  const retryAfter = retryAfterSeconds(job, settings.retryAfterSeconds, undefined, Date.now());
  const headers: HeaderField[] = [
    ...locationField(links),
    ['Retry-After', String(retryAfter)],
    ...appliedField(preferences, 0),
  ];
  return statusReply(settings, { status: 202, job, links, headers });
}

const locationField = (links: JobLinks | undefined): HeaderField[] =>
  links === undefined ? [] : [['Location', toLocation(links.status)]];

function appliedField(preferences: Preferences, waitedMs: number): HeaderField[] {
  const applied = appliedPreferences(preferences, true, waitedMs);
  return applied === undefined ? [] : [['Preference-Applied', applied]];
}

/** @param waitedMs how long the request waited, if the wait timed out; 0 if the wait ended early. */
async function replyAfterWait(context: RouteContext, accepted: Accepted, waitedMs: number): Promise<Reply> {
  const { settings, store } = context;
  const { links, preferences } = accepted;
  const job = await store.read((jobs) => jobs.read(accepted.job.id));
  if (job === undefined) {
    return firstReply(accepted, settings);
  }
  if (isSettled(job.state)) {
    return resultReply(context, accepted, job);
  }
  if (waitedMs > 0 && settings.wait.on_timeout === 'error') {
    return cancelOnTimeout(context, accepted, job);
  }
  const headers = [...locationField(links), ...appliedField(preferences, waitedMs)];
  return pendingReply(context, { status: 202, job, links, headers });
}

/** The result, or a 202 with the state of the job if this reply cannot carry the result. A poll can. */
function resultReply(context: RouteContext, accepted: Accepted, job: JobRecord): Promise<Reply> {
  const { settings } = context;
  const { method, isHandedOff } = accepted;
  const limit =
    isHandedOff && settings.handoff !== undefined
      ? {
          headBytes: settings.handoff.maxHeadBytes,
          instead: () => firstReply({ ...accepted, job }, settings),
        }
      : undefined;
  return settledResult(context, job, { method, limit });
}

/** Cancels the job. If it settles at the last moment, the reply is its result. */
async function cancelOnTimeout(context: RouteContext, accepted: Accepted, job: JobRecord): Promise<Reply> {
  const { settings, store } = context;
  const outcome = await store.cancel(job);
  const settled =
    outcome.kind === 'already-settled' ? await store.read((jobs) => jobs.read(job.id)) : undefined;
  if (settled !== undefined && isSettled(settled.state)) {
    return resultReply(context, accepted, settled);
  }
  return problemReply(
    new AsyncError('wait-timeout', {
      detail: 'The job did not settle in the time that this route waits, and was cancelled.',
    }),
    [...jobHeaders(settings, job.id), proxyError('http_response_timeout')],
  );
}
