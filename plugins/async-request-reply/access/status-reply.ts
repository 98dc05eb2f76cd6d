// An answer that carries the status body.
import type { HeaderField, Reply } from '../http/reply';
import type { JobRecord } from '../jobs/job-record';
import type { JobLinks } from './job-links';
import { jobHeaders } from './job-headers';
import type { RouteSettings } from './route/route-settings';
import { statusBody } from '../jobs/status-body';

export const statusReply = (
  status: number,
  job: JobRecord,
  links: JobLinks | undefined,
  settings: RouteSettings,
  headers: readonly HeaderField[] = [],
  queuePosition?: number,
): Reply => ({
  status,
  headers: [...jobHeaders(settings, job.id), ...headers, ['Content-Type', 'application/json']],
  body: statusBody(job, links, queuePosition),
});
