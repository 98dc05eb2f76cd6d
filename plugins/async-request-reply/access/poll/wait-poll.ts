// A poll of a job that has not settled: rejected if it comes too soon, or kept waiting until the job settles.
import { AsyncError } from '../../errors/async-error';
import { preferencesOf } from '../../http/prefer';
import type { HeaderField } from '../../http/reply';
import type { JobRecord } from '../../jobs/job-record';
import type { AccessContext, RouteContext } from '../access-context';
import { appliedPreferences, pollWaitMs } from '../route/wait-limit';

interface WaitedPoll {
  /** The job after the wait; undefined if it was deleted meanwhile. */
  readonly job: JobRecord | undefined;
  /** `Preference-Applied`, if the poll waited as long as the client requested. */
  readonly fields: readonly HeaderField[];
}

/**
 * Lets the poll of an open job wait as long as the client requests and the route allows.
 *
 * @throws AsyncError `polled-too-soon` if the last poll of the job was less than `min_poll_interval_ms` ago.
 */
export async function waitForPoll(context: AccessContext, job: JobRecord): Promise<WaitedPoll> {
  const { request, settings, store } = context;
  await rejectTooSoon(context, job);
  const preferences = preferencesOf(await request.headerValues('prefer'));
  const limitMs = pollWaitMs(preferences, settings);
  const end = limitMs > 0 ? await store.waitForSettle(job, limitMs, settings.wait.max_waiting) : 'rejected';
  if (end === 'rejected') {
    return { job, fields: [] };
  }
  const now = await store.read((jobs) => jobs.read(job.id));
  const applied = end === 'timeout' ? appliedPreferences(preferences, false, limitMs) : undefined;
  return { job: now, fields: applied === undefined ? [] : [['Preference-Applied', applied]] };
}

async function rejectTooSoon({ settings, store }: RouteContext, job: JobRecord): Promise<void> {
  const { minPollIntervalMs } = settings;
  if (minPollIntervalMs > 0 && !(await store.recordPoll(job.id, minPollIntervalMs))) {
    throw new AsyncError('polled-too-soon', {
      detail: `Poll this job at most once every ${String(minPollIntervalMs)} milliseconds.`,
      retryAfterSeconds: Math.ceil(minPollIntervalMs / 1000),
    });
  }
}
