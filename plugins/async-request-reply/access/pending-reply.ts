// The answer about a job that has not settled.
import type { HeaderField, Reply } from '../http/reply';
import type { JobRecord } from '../jobs/job-record';
import type { AccessStore } from '../accept/access-store';
import type { QueueProgress } from '../queue/queue-outcomes';
import type { JobLinks } from './job-links';
import { retryAfterSeconds } from './retry-after';
import type { RouteSettings } from './route/route-settings';
import { statusReply } from './status-reply';

/**
 * @param status 202, or 200 at the status URL.
 * @param more further fields: `Location`, `Preference-Applied`.
 */
export async function pendingReply(
  status: 200 | 202,
  job: JobRecord,
  links: JobLinks | undefined,
  settings: RouteSettings,
  store: AccessStore,
  more: readonly HeaderField[] = [],
): Promise<Reply> {
  const progress = job.state !== 'running' ? await progressIfKnown(job, store) : undefined;
  const headers: HeaderField[] = [
    ['Retry-After', String(retryAfterSeconds(job, settings.retryAfterSeconds, progress, Date.now()))],
    ...more,
  ];
  return statusReply(status, job, links, settings, headers, progress?.position);
}

/** The record has been read: what is not known beside it is left out. */
const progressIfKnown = (job: JobRecord, store: AccessStore): Promise<QueueProgress | undefined> =>
  store.queueProgress(job).catch(() => undefined);
