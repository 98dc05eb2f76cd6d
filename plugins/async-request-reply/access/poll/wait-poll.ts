// A poll of a job that has not settled: too soon, or held until it has.
import { AsyncError } from '../../errors/async-error';
import { preferencesOf } from '../../http/prefer';
import type { HeaderField } from '../../http/reply';
import type { JobRecord } from '../../jobs/job-record';
import type { AccessStore } from '../../accept/access-store';
import { recordPoll } from '../../queue/queue-progress';
import type { GatewayRequest } from '../gateway-request';
import { appliedPreferences, pollWaitMs } from '../route/wait-limit';
import type { RouteSettings } from '../route/route-settings';

export interface WaitedPoll {
  /** As it is now; undefined where it has gone meanwhile. */
  readonly job: JobRecord | undefined;
  /** `Preference-Applied`, where it was held as the client asked. */
  readonly fields: readonly HeaderField[];
}

/**
 * Holds the poll of an open job as long as the client asks and the route allows.
 *
 * @throws AsyncError `polled-too-soon` where the route has a floor and the job was polled less than that ago.
 */
export async function waitForPoll(
  request: GatewayRequest,
  job: JobRecord,
  settings: RouteSettings,
  store: AccessStore,
): Promise<WaitedPoll> {
  await rejectTooSoon(job, settings, store);
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

async function rejectTooSoon(
  job: JobRecord,
  { minPollIntervalMs: pollFloorMs }: RouteSettings,
  store: AccessStore,
): Promise<void> {
  if (
    pollFloorMs > 0 &&
    !(await store.query((redis, keys) => recordPoll(redis, keys, job.id, pollFloorMs)))
  ) {
    throw new AsyncError('polled-too-soon', {
      detail: `Poll this job no more often than every ${String(pollFloorMs)} milliseconds.`,
      retryAfterSeconds: Math.ceil(pollFloorMs / 1000),
    });
  }
}
