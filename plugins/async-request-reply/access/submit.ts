// Makes a job of a request: reads it as the upstream would have seen it, accepts it durably, answers 202.
import { AsyncError } from '../errors/async-error';
import { endToEndRequestFields } from '../http/hop-by-hop';
import { preferencesOf } from '../http/prefer';
import { replyWith, type Decision, type HeaderField } from '../http/reply';
import type { UpstreamRequestHead, UpstreamTarget } from '../http/upstream-request';
import { newJobId } from '../jobs/job-id';
import { isRepeatable } from '../jobs/repeatable';
import type { AccessStore, Acceptance } from '../store/access-store';
import type { Claim } from '../store/idempotency-store';
import type { NewJob } from '../store/job-store';
import type { Admission } from '../store/job-writer';
import { answerAccepted } from './answer-accepted';
import type { GatewayRequest, RequestLine } from './gateway-request';
import { claimOf, idempotencyKey } from './idempotency';
import { hasLinks, jobLinks } from './job-links';
import { ownerOf } from './owner';
import { queuedRecord } from './queued-record';
import { RequestDigest } from './request-digest';
import { jobLifeMs, jobSettings, type RouteSettings } from './route-settings';
import { scheduleHeaders } from './schedule-headers';
import { upstreamTarget } from './upstream-target';
import { validateRequest } from './validate-request';

const EMPTY = Buffer.alloc(0);

/** An empty ID header cannot be told from none by nginx's variable: with it, this is a poll after all. */
export type SubmitOutcome = Decision | { readonly kind: 'empty-id' };

export async function submit(
  request: GatewayRequest,
  line: RequestLine,
  settings: RouteSettings,
  store: AccessStore,
  advise: (text: string) => void,
): Promise<SubmitOutcome> {
  const headers = await request.headers();
  if (headers.some(([name]) => name === settings.idHeader.toLowerCase())) {
    return { kind: 'empty-id' };
  }
  refuseUnsendable(headers);
  const asked = scheduleHeaders(headers, settings, Date.now());
  const owner = await ownerOf(request, settings);
  const key = idempotencyKey(headers, owner, settings.idempotency);
  const matched = await request.matched();
  const target = await upstreamTarget(request, settings, matched);
  const body = await requestBody(request, settings);
  await validateRequest(line, headers, body, settings.validation);
  const id = newJobId();
  const queue = settings.queueName ?? matched.serviceId ?? matched.routeId ?? 'default';
  const head = await upstreamRequestHead(request, line, headers, body, target, id, settings);
  const job: NewJob = {
    id,
    queue,
    owner,
    settingsHash: '',
    request: head,
    body: body ?? EMPTY,
    repeatable: isRepeatable(head, settings.idempotency.header, settings.retry.unsafe_methods),
    maxAttempts: settings.retry.attempts,
    delayMs: asked.delayMs,
    deadlineMs: settings.deadlineMs,
    resultTtlMs: settings.resultTtlMs,
    openTtlMs: jobLifeMs(settings),
    singleRead: settings.singleRead,
  };
  const named = jobSettings(settings, queue, matched.tlsVerify);
  const isPollable = hasLinks(settings, matched.routeMethods);
  if (!isPollable) {
    advise('the route does not take GET and there is no status_url: a 202 has no Location and no links');
  }
  const claim =
    key && claimOf(key, owner, new RequestDigest(line).update(body ?? EMPTY).digest(), settings.idempotency);
  const admission: Admission = {
    priority: asked.priority,
    maxWaiting: settings.queue.max_waiting,
    maxPerCaller: settings.queue.max_per_caller,
    minReplicas: settings.minReplicas,
  };
  const accepting = { ...job, settingsHash: named.hash };
  const acceptance = await acceptOrThrow(store, accepting, named, admission, claim);
  const record =
    acceptance.kind === 'repeat'
      ? acceptance.record
      : queuedRecord({ ...accepting, id: acceptance.id }, acceptance.createdAt);
  const links = isPollable ? jobLinks(record.id, line.uri, settings) : undefined;
  const preferences = preferencesOf(headers.filter(([name]) => name === 'prefer').map(([, value]) => value));
  return replyWith(
    await answerAccepted({ job: record, links, preferences, method: line.method }, settings, store),
  );
}

/** nginx takes control characters in field values, and a worker's HTTP client sends none (RFC 9110, 5.5). */
function refuseUnsendable(headers: readonly HeaderField[]): void {
  // eslint-disable-next-line no-control-regex -- control characters are the point
  const field = headers.find(([, value]) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value));
  if (field !== undefined) {
    throw new AsyncError('invalid-header', {
      detail: `The header field ${field[0]} holds a control character, which HTTP has none of.`,
    });
  }
}

async function acceptOrThrow(
  store: AccessStore,
  job: NewJob,
  named: ReturnType<typeof jobSettings>,
  admission: Admission,
  claim: Claim | undefined,
): Promise<Acceptance> {
  try {
    return await store.accept(job, named, admission, claim);
  } catch (error) {
    if (error instanceof AsyncError && error.status < 429) {
      throw error;
    }
    // The ID lets an operator follow what became of it; the job itself is cancelled once Redis is back.
    throw error instanceof AsyncError ? new SubmitError(error, job.id) : error;
  }
}

/** A refusal after the ID was minted: the answer carries it. */
export class SubmitError extends AsyncError {
  readonly jobId: string;

  constructor(error: AsyncError, jobId: string) {
    super(error.code, {
      detail: error.message,
      cause: error.cause,
      ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
    });
    this.jobId = jobId;
  }
}

async function requestBody(request: GatewayRequest, settings: RouteSettings): Promise<Buffer | undefined> {
  const outcome = await request.body(settings.maxRequestBytes);
  if (outcome.kind === 'too-large') {
    throw new AsyncError('body-too-large', {
      detail: `The request body is over the limit of ${String(settings.maxRequestBytes)} bytes of this route.`,
    });
  }
  return outcome.body;
}

async function upstreamRequestHead(
  request: GatewayRequest,
  line: RequestLine,
  headers: readonly HeaderField[],
  body: Buffer | undefined,
  target: UpstreamTarget,
  id: string,
  settings: RouteSettings,
): Promise<UpstreamRequestHead> {
  const forwarded = await request.forwarded();
  const ours: HeaderField[] = [
    ['host', forwarded.preservedHost || hostOf(target)],
    ...forwarded.fields.filter(([, value]) => value !== ''),
    ...(body === undefined ? [] : [['content-length', String(body.length)] as const]),
    ...(settings.upstream.send_id ? [[settings.idHeader.toLowerCase(), id] as const] : []),
  ];
  const set = new Set([...forwarded.fields, ...ours].map(([name]) => name));
  const kept = endToEndRequestFields(headers, new Set([settings.idHeader.toLowerCase()])).filter(
    ([name]) =>
      !set.has(name) && !settings.dropHeaders.has(name) && name !== 'host' && name !== 'content-length',
  );
  return { method: line.method, path: forwarded.path, target, headers: [...ours, ...kept] };
}

/** The Host that Kong's balancer sets: the port only where it is not the scheme's own. */
function hostOf(target: UpstreamTarget): string {
  const isDefault = target.port === (target.scheme === 'https' ? 443 : 80);
  return isDefault ? target.host : `${target.host}:${String(target.port)}`;
}
