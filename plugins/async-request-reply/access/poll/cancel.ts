// DELETE on a job: removes it from the queue, or aborts it on the worker that runs it.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import type { Reply } from '../../http/reply';
import type { JobRecord } from '../../jobs/job-record';
import type { RouteContext } from '../access-context';
import type { PollTarget } from '../classify';
import type { RequestLine } from '../gateway-request';
import type { JobLinks } from '../job-links';
import { jobHeaders, statusReply } from '../replies';

/** A DELETE with the ID header polls a job that was itself submitted by DELETE. Only its status URL cancels such a job. */
export const isCancellation = (line: RequestLine, requested: PollTarget, job: JobRecord): boolean =>
  line.method === 'DELETE' &&
  (requested.view === 'status' || (requested.view === 'header' && job.method !== 'DELETE'));

/** 204 if the job was queued, 202 if it is running, 409 if it has already settled. */
export async function cancel(
  { settings, store }: RouteContext,
  job: JobRecord,
  links: JobLinks,
): Promise<Reply> {
  const outcome = await store.cancel(job);
  switch (outcome.kind) {
    case 'settled-now':
      return { status: 204, headers: jobHeaders(settings, job.id), body: Buffer.alloc(0) };
    case 'cancelling':
      return statusReply(settings, {
        status: 202,
        job,
        links,
        headers: [['Retry-After', String(settings.retryAfterSeconds)]],
      });
    case 'missing':
      throw new AsyncError('gone', { detail: 'The job no longer exists.' });
    case 'already-settled':
      return problemReply(
        new AsyncError('already-settled', {
          detail: `The job has already settled: it is ${outcome.state} and can no longer be cancelled.`,
          extension: { state: outcome.state },
        }),
        jobHeaders(settings, job.id),
      );
  }
}
