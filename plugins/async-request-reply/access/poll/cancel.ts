// DELETE on a job: taken out of the queue, or aborted on whichever machine runs it.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import type { Reply } from '../../http/reply';
import type { JobRecord } from '../../jobs/job-record';
import type { AccessStore } from '../../accept/access-store';
import type { PollTarget } from '../classify';
import type { RequestLine } from '../gateway-request';
import type { JobLinks } from '../job-links';
import { jobHeaders, statusReply } from '../replies';
import type { RouteSettings } from '../route/route-settings';

/** A job that was submitted with DELETE is polled by a DELETE with its header: it is cancelled at its status URL only. */
export const isCancellation = (line: RequestLine, requested: PollTarget, job: JobRecord): boolean =>
  line.method === 'DELETE' &&
  (requested.view === 'status' || (requested.view === 'header' && job.method !== 'DELETE'));

export async function cancel(
  job: JobRecord,
  links: JobLinks,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  const outcome = await store.cancel(job);
  switch (outcome.kind) {
    case 'settled-now':
      return { status: 204, headers: jobHeaders(settings, job.id), body: Buffer.alloc(0) };
    case 'cancelling':
      return statusReply(202, job, links, settings, [['Retry-After', String(settings.retryAfterSeconds)]]);
    case 'missing':
      throw new AsyncError('gone', { detail: 'The job is gone.' });
    case 'already-settled':
      return problemReply(
        new AsyncError('already-settled', {
          detail: `The job has settled: it is ${outcome.state} and stays so.`,
          extension: { state: outcome.state },
        }),
        jobHeaders(settings, job.id),
      );
  }
}
