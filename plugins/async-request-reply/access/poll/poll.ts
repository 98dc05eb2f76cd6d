// Answers whoever asks for a job: pending, settled, or nothing that may be told.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import type { RangeRequest } from '../../http/byte-range';
import type { HeaderField, Reply } from '../../http/reply';
import { jobIdTimeMs, newJobId, parseJobId } from '../../jobs/job-id';
import { isSettled, type JobRecord } from '../../jobs/job-record';
import type { AccessStore } from '../../accept/access-store';
import type { PollTarget } from '../classify';
import type { GatewayRequest, RequestLine } from '../gateway-request';
import { jobLinks, toLocation, type JobLinks } from '../job-links';
import { jobHeaders, pendingReply, statusReply, withJobId } from '../replies';
import { cancel, isCancellation } from './cancel';
import { waitForPoll } from './wait-poll';
import { isOwner, ANONYMOUS_JOB } from '../owner';
import { jobLifeMs, type RouteSettings } from '../route/route-settings';
import { readResult, unlessUnreadable } from './read-result';
import { settledResult } from './settled-result';

const RESULT_METHODS = ['GET', 'HEAD', 'OPTIONS'];
const STATUS_METHODS = ['GET', 'HEAD', 'DELETE', 'OPTIONS'];

export async function poll(
  request: GatewayRequest,
  line: RequestLine,
  requested: PollTarget,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
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
  // A malformed ID goes the way of one that nobody has: neither the answer nor its work tells them apart.
  const id = parseJobId(requested.id) ?? newJobId();
  const found = await upToDate(await findJob(request, id, settings, store), store);
  const links = jobLinks(id, line, settings);
  return withJobId(id, settings, async () => {
    if (isCancellation(line, requested, found)) {
      return cancel(found, links, settings, store);
    }
    const waited = isSettled(found.state)
      ? { job: found, fields: [] }
      : await waitForPoll(request, found, settings, store);
    const job = waited.job ?? found;
    if (!isSettled(job.state)) {
      return pendingReply(
        requested.view === 'status' ? 200 : 202,
        job,
        links,
        settings,
        store,
        waited.fields,
      );
    }
    return requested.view === 'status'
      ? settledStatus(job, links, settings, store)
      : settledResult(
          job,
          {
            method: line.method,
            range: await rangeOf(request, line, requested),
            mayHandOff: async () => (await request.matched()).serviceId !== undefined,
          },
          settings,
          store,
        );
  });
}

/** A part is asked for by GET of the result URL alone (RFC 9110, 14.2): at other addresses the submit had the field. */
async function rangeOf(
  request: GatewayRequest,
  line: RequestLine,
  requested: PollTarget,
): Promise<RangeRequest | undefined> {
  if (requested.view !== 'result' || line.method !== 'GET') {
    return undefined;
  }
  const [range] = await request.headerValues('range');
  return range === undefined ? undefined : { range, ifRange: (await request.headerValues('if-range')).at(0) };
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
  // Every question is asked whatever the others' answers are.
  const isHere = await inScope(request, job?.queue, settings);
  const isTheirs = await isOwner(request, job?.owner ?? ANONYMOUS_JOB);
  if (job === undefined || !isHere || !isTheirs) {
    throw notFound();
  }
  return job;
}

/** A worker that lost its lease is followed by another within seconds, where Redis has lost nothing. */
const LEASE_GRACE_MS = 60_000;

/**
 * Where no worker has seen that a job's deadline is over, the poll settles it. A job that runs is its worker's; one whose lease
 * has been over for long has fallen out of its queue, and is brought back.
 */
async function upToDate(job: JobRecord, store: AccessStore): Promise<JobRecord> {
  const isDue =
    job.state === 'running'
      ? Date.now() > job.leaseUntil + LEASE_GRACE_MS
      : !isSettled(job.state) && Date.now() >= job.deadlineAt;
  return isDue ? ((await store.examine(job)) ?? job) : job;
}

async function inScope(
  request: GatewayRequest,
  queue: string | undefined,
  settings: RouteSettings,
): Promise<boolean> {
  if (queue !== undefined && settings.pollQueues.includes(queue)) {
    return true;
  }
  if (settings.queueName !== undefined) {
    return settings.queueName === queue;
  }
  const { serviceId, routeId } = await request.matched();
  return (serviceId ?? routeId) === queue;
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
      : ((settings.onComplete === 'resource' ? await createdResource(job, settings, store) : undefined) ??
        toLocation(links.result));
  return location === undefined
    ? statusReply(200, job, links, settings)
    : statusReply(303, job, links, settings, [['Location', location]]);
}

/**
 * The Location of a stored 201 or 3xx. One that is relative to the request's path would be another place from the status
 * URL: it is left to the result, which has it under the path that it belongs to.
 */
async function createdResource(
  job: JobRecord,
  settings: RouteSettings,
  store: AccessStore,
): Promise<string | undefined> {
  const status = job.upstreamStatus ?? 0;
  if (job.result === undefined || (status !== 201 && (status < 300 || status > 399))) {
    return undefined;
  }
  const result = job.result;
  // The result that cannot be read says so at its own address.
  const stored = await readResult(job.id, result, settings, store).catch(unlessUnreadable);
  const location = stored?.head.headers.find(([name]) => name.toLowerCase() === 'location')?.[1];
  return location !== undefined && /^(\/|[a-z][a-z0-9+.-]*:)/i.test(location) ? location : undefined;
}
