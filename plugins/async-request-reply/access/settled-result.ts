// What stands in the place of the upstream's response once a job has settled: the response, or the problem.
import { AsyncError } from '../errors/async-error';
import { isProblemCode, PROBLEMS } from '../errors/problem-catalog';
import { problemReply } from '../errors/problem-reply';
import type { Reply } from '../http/reply';
import type { JobRecord } from '../jobs/job-record';
import type { AccessStore } from '../store/access-store';
import { consumeResult } from '../store/poll-queries';
import { answerFields, jobFields } from './our-fields';
import { proxyStatus } from './proxy-status';
import { replay } from './replay';
import type { RouteSettings } from './route-settings';

/**
 * @param method of the request that is answered: HEAD reads no result, whether it can be read once or often.
 * @throws AsyncError `gone` or `already-read`.
 */
export async function settledResult(
  job: JobRecord,
  method: string,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  if (job.state !== 'completed' || job.result === undefined) {
    return problemReply(problemOf(job), [...answerFields(settings, job.id), ...proxyStatus(job)]);
  }
  const { id, result } = job;
  if (job.readAt !== undefined) {
    throw alreadyRead();
  }
  const stored = await store.read((jobs) => jobs.readResponse(id, result));
  if (stored === undefined) {
    throw job.singleRead
      ? alreadyRead()
      : new AsyncError('gone', { detail: 'The result of the job is gone.' });
  }
  const storedSeconds = (Date.now() - (job.settledAt ?? Date.now())) / 1000;
  const reply = replay(stored.head, await stored.body(), storedSeconds, jobFields(settings, id));
  // As late as can be: from here on only the way to the client can lose it.
  if (
    (job.singleRead || settings.singleRead) &&
    method !== 'HEAD' &&
    !(await store.ask((redis, prefix) => consumeResult(redis, prefix, id, result)))
  ) {
    throw alreadyRead();
  }
  return reply;
}

const alreadyRead = (): AsyncError =>
  new AsyncError('already-read', { detail: 'The result could be read once, and it has been read.' });

function problemOf(job: JobRecord): AsyncError {
  if (job.state === 'cancelled') {
    return new AsyncError('cancelled', { detail: 'The job was cancelled before it had a response.' });
  }
  const code = job.error?.code ?? '';
  const known = isProblemCode(code) && PROBLEMS[code].status >= 502 ? code : 'upstream-failed';
  return new AsyncError(known, { detail: job.error?.detail ?? 'The upstream gave no response.' });
}
