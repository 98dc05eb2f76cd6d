// Makes a job of a request: reads it as the upstream would have seen it, accepts it durably, answers 202.
import { AsyncError } from '../errors/async-error';
import { endToEndRequestFields } from '../http/hop-by-hop';
import { preferencesOf } from '../http/prefer';
import { replyWith, type Decision, type HeaderField } from '../http/reply';
import type { UpstreamRequestHead, UpstreamTarget } from '../http/upstream-request';
import { newJobId } from '../jobs/job-id';
import { isRepeatable } from '../jobs/repeatable';
import type { AccessStore } from '../store/access-store';
import { carryOut, type AcceptOrder } from './accept-order';
import type { ExpectedBody, GatewayRequest, RequestLine } from './gateway-request';
import { callbackTerms } from './callback-terms';
import { idempotencyKey } from './idempotency';
import { hasLinks, jobLinks } from './job-links';
import { ownerOf } from './owner';
import { RequestDigest } from './request-digest';
import { jobLifeMs, type RouteSettings } from './route-settings';
import { scheduleHeaders } from './schedule-headers';
import { upstreamTarget } from './upstream-target';
import { validateRequest } from './validate-request';

const EMPTY = Buffer.alloc(0);

/** An empty ID header cannot be told from none by nginx's variable: with it, this is a poll after all. */
export type SubmitOutcome = Decision | { readonly kind: 'empty-id' };

export async function submit(
  request: GatewayRequest,
  line: RequestLine,
  configured: RouteSettings,
  store: AccessStore,
  advise: (text: string) => void,
): Promise<SubmitOutcome> {
  const matched = await request.matched();
  const settings = matched.serviceId === undefined ? configured.withoutService : configured;
  const headers = await request.headers();
  if (headers.some(([name]) => name === settings.idHeader.toLowerCase())) {
    return { kind: 'empty-id' };
  }
  refuseUnsendable(headers);
  const asked = scheduleHeaders(headers, settings, Date.now());
  const owner = await ownerOf(request, settings);
  const key = idempotencyKey(headers, owner, settings.idempotency);
  const target = await upstreamTarget(request, settings, matched);
  const expected = await expectedBody(request, settings);
  const threshold = settings.handoff?.requestOverBytes;
  const isHandedOff = threshold !== undefined && isOver(expected, line.method, threshold);
  const body = isHandedOff ? undefined : await requestBody(request, settings);
  await validateRequest(line, headers, body, settings.validation);
  const isPollable = hasLinks(settings, matched.routeMethods);
  if (!isPollable) {
    advise('the route does not take GET and there is no status_url: a 202 has no Location and no links');
  }
  const id = newJobId();
  const length = isHandedOff ? lengthOf(expected) : body?.length;
  const head = await upstreamRequestHead(request, line, headers, length, target, id, settings);
  const order: AcceptOrder = {
    job: {
      id,
      queue: settings.queueName ?? matched.serviceId ?? matched.routeId ?? 'default',
      owner,
      request: head,
      body: isHandedOff ? 'stored' : (body ?? EMPTY),
      repeatable: isRepeatable(head, settings.idempotency.header, settings.retry.unsafe_methods),
      maxAttempts: settings.retry.attempts,
      delayMs: asked.delayMs,
      deadlineMs: settings.deadlineMs,
      resultTtlMs: settings.resultTtlMs,
      openTtlMs: jobLifeMs(settings),
      singleRead: settings.singleRead,
      callback: callbackTerms(
        headers,
        isPollable ? jobLinks(id, line.uri, settings) : undefined,
        settings.callback,
      ),
    },
    admission: {
      priority: asked.priority,
      maxWaiting: settings.queue.max_waiting,
      maxPerCaller: settings.queue.max_per_caller,
      minReplicas: settings.minReplicas,
    },
    ...{ line: { method: line.method, uri: line.uri }, isPollable, key, tlsVerify: matched.tlsVerify },
    preferences: preferencesOf(headers.filter(([name]) => name === 'prefer').map(([, value]) => value)),
  };
  if (isHandedOff) {
    return { kind: 'hand-off', order: { ...order, kind: 'accept' } };
  }
  const digest = key && new RequestDigest(line).update(body ?? EMPTY).digest();
  return replyWith(await carryOut(order, digest, settings, store));
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

/** What the request says of its body, where that is not too much. */
async function expectedBody(request: GatewayRequest, settings: RouteSettings): Promise<ExpectedBody> {
  const expected = await request.expectedBody();
  if (expected.kind === 'length' && expected.bytes > settings.maxRequestBytes) {
    throw bodyTooLarge(settings);
  }
  return expected;
}

/** Over HTTP/2 most requests with another method have no body, and none of them says so. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** A threshold of 0 is over by every request. */
function isOver(expected: ExpectedBody, method: string, bytes: number): boolean {
  switch (expected.kind) {
    case 'none':
      return bytes === 0;
    case 'undeclared':
      return bytes === 0 || WITH_BODY.has(method);
    case 'chunked':
      return true;
    case 'length':
      return bytes === 0 || expected.bytes > bytes;
  }
}

const lengthOf = (expected: ExpectedBody): number | undefined =>
  expected.kind === 'length' ? expected.bytes : undefined;

const bodyTooLarge = (settings: RouteSettings): AsyncError =>
  new AsyncError('body-too-large', {
    detail: `The request body is over the limit of ${String(settings.maxRequestBytes)} bytes of this route.`,
  });

async function requestBody(request: GatewayRequest, settings: RouteSettings): Promise<Buffer | undefined> {
  const outcome = await request.body(settings.maxRequestBytes);
  if (outcome.kind === 'too-large') {
    throw bodyTooLarge(settings);
  }
  return outcome.body;
}

async function upstreamRequestHead(
  request: GatewayRequest,
  line: RequestLine,
  headers: readonly HeaderField[],
  length: number | undefined,
  target: UpstreamTarget,
  id: string,
  settings: RouteSettings,
): Promise<UpstreamRequestHead> {
  const forwarded = await request.forwarded();
  const ours: HeaderField[] = [
    ['host', forwarded.preservedHost || hostOf(target)],
    ...forwarded.fields.filter(([, value]) => value !== ''),
    ...(length === undefined ? [] : [['content-length', String(length)] as const]),
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
