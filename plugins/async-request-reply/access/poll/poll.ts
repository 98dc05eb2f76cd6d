// Answers a poll: the job is pending, has settled, or is unknown to this caller.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import type { RangeRequest } from '../../http/byte-range';
import { fieldValue } from '../../http/fields';
import type { HeaderField, Reply } from '../../http/reply';
import { jobIdTimeMs, newJobId, parseJobId } from '../../jobs/job-id';
import { isSettled, type JobRecord } from '../../jobs/job-record';
import type { AccessStore } from '../../accept/access-store';
import type { AccessContext, RouteContext } from '../access-context';
import type { PollTarget } from '../classify';
import { jobLinks, toLocation, type JobLinks } from '../job-links';
import { isOwner, ANONYMOUS_JOB } from '../owner';
import { jobHeaders, pendingReply, statusReply, withJobId } from '../replies';
import { jobLifeMs } from '../route/route-settings';
import { cancel, isCancellation } from './cancel';
import { readResult, unlessUnreadable } from './read-result';
import { settledResult } from './settled-result';
import { waitForPoll } from './wait-poll';

const RESULT_METHODS = ['GET', 'HEAD', 'OPTIONS'];
const STATUS_METHODS = ['GET', 'HEAD', 'DELETE', 'OPTIONS'];

export async function poll(context: AccessContext, requested: PollTarget): Promise<Reply> {
  const { line, settings, store } = context;
  if (requested.view !== 'header') {
    const methods = requested.view === 'result' ? RESULT_METHODS : STATUS_METHODS;
    const allow: HeaderField = ['Allow', methods.join(', ')];
    if (line.method === 'OPTIONS') {
      return { status: 204, headers: [...jobHeaders(settings), allow], body: Buffer.alloc(0) };
    }
    if (!methods.includes(line.method)) {
      const error = new AsyncError('method-not-allowed', { detail: `Use one of ${allow[1]} here.` });
      return problemReply(error, [...jobHeaders(settings), allow]);
    }
  }
  // A malformed ID is treated as an unknown one: neither the reply nor the time that it takes tells them apart.
  const id = parseJobId(requested.id) ?? newJobId();
  const found = await upToDate(await findJob(context, id), store);
  const links = jobLinks(id, line, settings);
  return withJobId(id, settings, async () => {
    if (isCancellation(line, requested, found)) {
      return cancel(context, found, links);
    }
    const waited = isSettled(found.state) ? { job: found, fields: [] } : await waitForPoll(context, found);
    // A job that was deleted during the wait is answered as it was found: the next poll gets 404 or 410.
    const job = waited.job ?? found;
    if (!isSettled(job.state)) {
      const status = requested.view === 'status' ? 200 : 202;
      return pendingReply(context, { status, job, links, headers: waited.fields });
    }
    return requested.view === 'status'
      ? settledStatus(context, job, links)
      : settledResult(context, job, {
          method: line.method,
          range: await rangeOf(context, requested),
          mayHandOff: async () => (await context.request.matched()).serviceId !== undefined,
        });
  });
}

/** Only a GET of the result URL can request a part (RFC 9110, 14.2): at other addresses the field belongs to the submit. */
async function rangeOf(
  { request, line }: AccessContext,
  requested: PollTarget,
): Promise<RangeRequest | undefined> {
  if (requested.view !== 'result' || line.method !== 'GET') {
    return undefined;
  }
  const [range] = await request.headerValues('range');
  return range === undefined ? undefined : { range, ifRange: (await request.headerValues('if-range')).at(0) };
}

/** One problem for three cases, so that a caller cannot tell them apart: unknown, malformed, another caller's. */
const notFound = (): AsyncError =>
  new AsyncError('not-found', { detail: 'There is no job with this ID, or it is not yours.' });

const gone = (): AsyncError =>
  new AsyncError('gone', { detail: 'This ID is older than the time for which any job is kept.' });

/** The job, if this caller may see it on this route. An ID that is too old gets the same reply for every caller. */
async function findJob(context: AccessContext, id: string): Promise<JobRecord> {
  const { request, settings, store } = context;
  if (Date.now() - jobIdTimeMs(id) > jobLifeMs(settings)) {
    throw gone();
  }
  const job = await store.read((jobs) => jobs.read(id));
  // Every check runs, whatever the outcome of the others.
  const isHere = await inScope(context, job?.queue);
  const isTheirs = await isOwner(request, job?.owner ?? ANONYMOUS_JOB);
  if (job === undefined || !isHere || !isTheirs) {
    throw notFound();
  }
  return job;
}

/** If a worker loses its lease, another one takes the job within seconds, unless Redis has lost data. */
const LEASE_GRACE_MS = 60_000;

/**
 * The job after the repairs that a poll makes. A job whose deadline has passed without a worker seeing it is settled. A running job
 * is left to its worker, but one whose lease expired long ago has fallen out of its queue, and is queued again.
 */
async function upToDate(job: JobRecord, store: AccessStore): Promise<JobRecord> {
  const isDue =
    job.state === 'running'
      ? Date.now() > job.leaseUntil + LEASE_GRACE_MS
      : !isSettled(job.state) && Date.now() >= job.deadlineAt;
  return isDue ? ((await store.examine(job)) ?? job) : job;
}

/** Whether the route answers polls for jobs of this queue. */
async function inScope({ request, settings }: AccessContext, queue: string | undefined): Promise<boolean> {
  if (queue !== undefined && settings.pollQueues.includes(queue)) {
    return true;
  }
  if (settings.queueName !== undefined) {
    return settings.queueName === queue;
  }
  const { serviceId, routeId } = await request.matched();
  return (serviceId ?? routeId) === queue;
}

/** The reply of the status URL for a settled job. */
async function settledStatus(context: RouteContext, job: JobRecord, links: JobLinks): Promise<Reply> {
  const { settings } = context;
  const hasResult = job.state === 'completed' || job.state === 'failed';
  if (!hasResult || settings.onComplete === 'status') {
    return statusReply(settings, { status: 200, job, links });
  }
  const resource = settings.onComplete === 'resource' ? await createdResource(context, job) : undefined;
  const location = resource ?? toLocation(links.result);
  return statusReply(settings, { status: 303, job, links, headers: [['Location', location]] });
}

/**
 * The Location of a stored 201 or 3xx. A Location that is relative to the path of the request would lead elsewhere from the status
 * URL. Only the result has it then, at the path that it is relative to.
 */
async function createdResource(
  { settings, store }: RouteContext,
  job: JobRecord,
): Promise<string | undefined> {
  const status = job.upstreamStatus ?? 0;
  if (job.result === undefined || (status !== 201 && (status < 300 || status > 399))) {
    return undefined;
  }
  // If the result cannot be read, its own address says so.
  const stored = await readResult(job.id, job.result, settings, store).catch(unlessUnreadable);
  const location = stored && fieldValue(stored.head.headers, 'location');
  return location !== undefined && /^(\/|[a-z][a-z0-9+.-]*:)/i.test(location) ? location : undefined;
}
