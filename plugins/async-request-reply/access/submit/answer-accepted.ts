// The answer to a submit whose job is there: 202, or where the client or the route waits, what became of the job.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import type { Preferences } from '../../http/prefer';
import type { HeaderField, Reply } from '../../http/reply';
import { isSettled, type JobRecord } from '../../jobs/job-record';
import type { AccessStore } from '../../accept/access-store';
import { appliedPreferences, submitWaitMs } from '../route/wait-limit';
import { toLocation, type JobLinks } from '../job-links';
import { jobHeaders, pendingReply, proxyError, statusReply, withJobId } from '../replies';
import { retryAfterSeconds } from '../retry-after';
import type { RouteSettings } from '../route/route-settings';
import { settledResult } from '../poll/settled-result';

/** What is answered, and to whom. */
export interface Accepted {
  /** As it was accepted; it may have moved on since. */
  readonly job: JobRecord;
  readonly links: JobLinks | undefined;
  readonly preferences: Preferences;
  /** Of the submit. */
  readonly method: string;
  /** Whether the answer goes through nginx, which takes a limited header section. */
  readonly isHandedOff: boolean;
}

/**
 * Answers 202 at once where nobody waits. Else the request is held until the job settles: then the answer is its result.
 * When the time is over it is 202 with the job's state, or with `wait.on_timeout: error` 504, and the job is cancelled.
 *
 * The job is accepted, and the client is told so whatever becomes of Redis meanwhile.
 */
export async function answerAccepted(
  accepted: Accepted,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
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
          replyAfterWait(accepted, end === 'timeout' ? limitMs : 0, settings, store),
        );
  } catch (error) {
    if (error instanceof AsyncError) {
      return firstReply(accepted, settings);
    }
    throw error;
  }
}

/** The 202 of a job that has just been accepted: nothing more is asked of Redis. */
function firstReply({ job, links, preferences }: Accepted, settings: RouteSettings): Reply {
  const applied = appliedPreferences(preferences, true, 0);
  return statusReply(202, job, links, settings, [
    ...locationField(links),
    ['Retry-After', String(retryAfterSeconds(job, settings.retryAfterSeconds, undefined, Date.now()))],
    ...(applied === undefined ? [] : [['Preference-Applied', applied] as const]),
  ]);
}

const locationField = (links: JobLinks | undefined): HeaderField[] =>
  links === undefined ? [] : [['Location', toLocation(links.status)]];

/** @param waitedMs how long the request was held, if its time was over; 0 where the hold ended before. */
async function replyAfterWait(
  accepted: Accepted,
  waitedMs: number,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  const { links, preferences } = accepted;
  const job = await store.read((jobs) => jobs.read(accepted.job.id));
  if (job === undefined) {
    return firstReply(accepted, settings);
  }
  if (isSettled(job.state)) {
    return result(accepted, job, settings, store);
  }
  if (waitedMs > 0 && settings.wait.on_timeout === 'error') {
    return cancelOnTimeout(accepted, job, settings, store);
  }
  const applied = appliedPreferences(preferences, true, waitedMs);
  return pendingReply(202, job, links, settings, store, [
    ...locationField(links),
    ...(applied === undefined ? [] : [['Preference-Applied', applied] as const]),
  ]);
}

/** The result, or 202 with the job's state where this answer cannot carry it: a poll can. */
function result(
  accepted: Accepted,
  job: JobRecord,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  const { method, isHandedOff } = accepted;
  const limit =
    isHandedOff && settings.handoff !== undefined
      ? {
          headBytes: settings.handoff.maxHeadBytes,
          instead: () => firstReply({ ...accepted, job }, settings),
        }
      : undefined;
  return settledResult(job, { method, limit }, settings, store);
}

/** Cancels the job; one that has settled at the last moment is answered with its result after all. */
async function cancelOnTimeout(
  accepted: Accepted,
  job: JobRecord,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  const outcome = await store.cancel(job);
  const settled =
    outcome.kind === 'already-settled' ? await store.read((jobs) => jobs.read(job.id)) : undefined;
  if (settled !== undefined && isSettled(settled.state)) {
    return result(accepted, settled, settings, store);
  }
  return problemReply(
    new AsyncError('wait-timeout', {
      detail: 'The job did not settle in the time that this route waits, and was cancelled.',
    }),
    [...jobHeaders(settings, job.id), proxyError('http_response_timeout')],
  );
}
