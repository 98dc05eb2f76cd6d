// The answer about a job that has not settled.
import type { HeaderField, Reply } from '../http/reply';
import type { JobRecord } from '../jobs/job-record';
import type { AccessStore } from '../accept/access-store';
import { standingOf, type Standing } from '../queue/queue-progress';
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
  const standing = job.state !== 'running' ? await standingIfKnown(job, store) : undefined;
  const headers: HeaderField[] = [
    ['Retry-After', String(retryAfterSeconds(job, settings.retryAfterSeconds, standing, Date.now()))],
    ...more,
  ];
  return statusReply(status, job, links, settings, headers, standing?.position);
}

/** The record has been read: what is not known beside it is left out. */
const standingIfKnown = (job: JobRecord, store: AccessStore): Promise<Standing | undefined> =>
  store.ask((redis, prefix) => standingOf(redis, prefix, job)).catch(() => undefined);
