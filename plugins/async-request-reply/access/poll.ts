// Answers whoever asks for a job: pending, settled, or nothing that may be told.
import { AsyncError } from '../errors/async-error';
import { isProblemCode, PROBLEMS } from '../errors/problem-catalog';
import { problemReply } from '../errors/problem-reply';
import type { HeaderField, Reply } from '../http/reply';
import { jobIdTimeMs, parseJobId } from '../jobs/job-id';
import { isSettled, type JobRecord } from '../jobs/job-record';
import type { AccessStore } from '../store/access-store';
import type { PollTarget, PollView } from './classify';
import type { GatewayRequest, RequestLine } from './gateway-request';
import { jobLinks, type JobLinks } from './job-links';
import { answerFields, jobFields } from './our-fields';
import { cancel, isCancellation } from './cancel';
import { isOwner } from './owner';
import { replay } from './replay';
import { jobLifeMs, type RouteSettings } from './route-settings';
import { statusReply } from './status-reply';

const RESULT_METHODS = ['GET', 'HEAD', 'OPTIONS'];
const STATUS_METHODS = ['GET', 'HEAD', 'DELETE', 'OPTIONS'];

export async function poll(
  request: GatewayRequest,
  line: RequestLine,
  asked: PollTarget,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  if (asked.view !== 'header') {
    const methods = asked.view === 'result' ? RESULT_METHODS : STATUS_METHODS;
    const allow: HeaderField = ['Allow', methods.join(', ')];
    if (line.method === 'OPTIONS') {
      return { status: 204, headers: [allow], body: Buffer.alloc(0) };
    }
    if (!methods.includes(line.method)) {
      const error = new AsyncError('method-not-allowed', { detail: `Use one of ${allow[1]} here.` });
      return problemReply(error, [...answerFields(settings), allow]);
    }
  }
  const id = parseJobId(asked.id);
  if (id === undefined) {
    throw notFound();
  }
  const job = await upToDate(await findJob(request, id, settings, store), store);
  const links = jobLinks(id, line.uri, settings);
  if (isCancellation(line, asked, job)) {
    return cancel(job, links, settings, store);
  }
  if (!isSettled(job.state)) {
    return pending(job, asked.view, links, settings);
  }
  return asked.view === 'status'
    ? settledStatus(job, links, settings, store)
    : settledResult(job, settings, store);
}

/** The three that are not told apart: unknown, malformed, another caller's. */
const notFound = (): AsyncError =>
  new AsyncError('not-found', { detail: 'There is no job with this ID, or it is not yours.' });

const gone = (): AsyncError =>
  new AsyncError('gone', { detail: 'Whatever had this ID is older than any job is kept.' });

/** The job, if this caller may see it on this route. The answer for an old ID is the same for everybody. */
async function findJob(
  request: GatewayRequest,
  id: string,
  settings: RouteSettings,
  store: AccessStore,
): Promise<JobRecord> {
  if (Date.now() - jobIdTimeMs(id) > jobLifeMs(settings)) {
    throw gone();
  }
  const job = await store.read((jobs) => jobs.read(id));
  if (job === undefined || !(await inScope(request, job, settings)) || !(await isOwner(request, job.owner))) {
    throw notFound();
  }
  return job;
}

/** Where no worker has seen that a job's deadline is over, the poll settles it; a job that runs is its worker's. */
async function upToDate(job: JobRecord, store: AccessStore): Promise<JobRecord> {
  if (isSettled(job.state) || job.state === 'running' || Date.now() < job.deadlineAt) {
    return job;
  }
  return (await store.examine(job)) ?? job;
}

async function inScope(request: GatewayRequest, job: JobRecord, settings: RouteSettings): Promise<boolean> {
  if (settings.pollQueues.includes(job.queue)) {
    return true;
  }
  if (settings.queueName !== undefined) {
    return settings.queueName === job.queue;
  }
  const { serviceId, routeId } = await request.matched();
  return (serviceId ?? routeId) === job.queue;
}

function pending(job: JobRecord, view: PollView, links: JobLinks, settings: RouteSettings): Reply {
  return statusReply(view === 'status' ? 200 : 202, job, links, settings, [
    ['Retry-After', String(settings.retryAfterSeconds)],
  ]);
}

/** What the status URL says of a settled job. */
async function settledStatus(
  job: JobRecord,
  links: JobLinks,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  const hasResult = job.state === 'completed' || job.state === 'failed';
  const location =
    !hasResult || settings.onComplete === 'status'
      ? undefined
      : ((settings.onComplete === 'resource' ? await createdResource(job, store) : undefined) ??
        links.result);
  return location === undefined
    ? statusReply(200, job, links, settings)
    : statusReply(303, job, links, settings, [['Location', location]]);
}

/** The Location of a stored 201 or 3xx. */
async function createdResource(job: JobRecord, store: AccessStore): Promise<string | undefined> {
  const status = job.upstreamStatus ?? 0;
  if (job.result === undefined || (status !== 201 && (status < 300 || status > 399))) {
    return undefined;
  }
  const result = job.result;
  const stored = await store.read((jobs) => jobs.readResponse(job.id, result));
  return stored?.head.headers.find(([name]) => name.toLowerCase() === 'location')?.[1];
}

/** What stands in the place of the upstream's response: the response, or the problem. */
async function settledResult(job: JobRecord, settings: RouteSettings, store: AccessStore): Promise<Reply> {
  if (job.state === 'completed' && job.result !== undefined) {
    const result = job.result;
    const stored = await store.read((jobs) => jobs.readResponse(job.id, result));
    if (stored === undefined) {
      throw gone();
    }
    const storedSeconds = (Date.now() - (job.settledAt ?? Date.now())) / 1000;
    return replay(stored.head, stored.body, storedSeconds, jobFields(settings, job.id));
  }
  return problemReply(problemOf(job), [...answerFields(settings, job.id), ...proxyStatus(job)]);
}

function problemOf(job: JobRecord): AsyncError {
  if (job.state === 'cancelled') {
    return new AsyncError('cancelled', { detail: 'The job was cancelled before it had a response.' });
  }
  const code = job.error?.code ?? '';
  const known = isProblemCode(code) && PROBLEMS[code].status >= 500 ? code : 'upstream-failed';
  return new AsyncError(known, { detail: job.error?.detail ?? 'The upstream gave no response.' });
}

function proxyStatus(job: JobRecord): HeaderField[] {
  return job.error?.proxyError === undefined
    ? []
    : [['Proxy-Status', `async-request-reply; error=${job.error.proxyError}`]];
}
