// Makes a job of a request: reads it as the upstream would have seen it, accepts it durably, answers 202.
import { AsyncError } from '../../errors/async-error';
import { endToEndRequestFields } from '../../http/hop-by-hop';
import { replyWith, type Decision, type HeaderField } from '../../http/reply';
import type { UpstreamRequestHead, UpstreamTarget } from '../../http/upstream-request';
import { toUriHost } from '../../http/uri-host';
import { LOOPBACK_HEADER } from '../../loopback/loopback-token';
import { newJobId } from '../../jobs/job-id';
import type { AccessStore } from '../../accept/access-store';
import { acceptJob } from './accept-job';
import { buildJob } from './build-job';
import type { GatewayRequest, RequestLine } from '../gateway-request';
import { idempotencyKey } from './idempotency';
import { hasLinks } from '../job-links';
import { ownerOf } from '../owner';
import { requestAddress } from '../request-address';
import { RequestDigest } from './request-digest';
import { expectedBody, isOver, lengthOf, requestBody } from './request-body';
import type { RouteSettings } from '../route/route-settings';
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
  const requested = scheduleHeaders(headers, settings, Date.now());
  const owner = await ownerOf(request, settings);
  const named = idempotencyKey(headers, owner, settings.idempotency);
  const key = named && { ...named, address: await requestAddress(request) };
  const target = await upstreamTarget(request, settings, matched);
  const expected = await expectedBody(request, settings);
  const threshold = settings.handoff?.requestThresholdBytes;
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
  const read = {
    id,
    owner,
    headers,
    line,
    matched,
    head,
    isPollable,
    key,
    requested,
    body: isHandedOff ? ('stored' as const) : (body ?? EMPTY),
  };
  const submission = buildJob(read, settings);
  if (isHandedOff) {
    return { kind: 'hand-off', command: { ...submission, kind: 'accept' } };
  }
  const digest = key && new RequestDigest(line).update(body ?? EMPTY).digest();
  return replyWith(await acceptJob(submission, digest, settings, store));
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
  const sent =
    settings.upstream.mode === 'loopback'
      ? await sentRequest(request, line)
      : { method: line.upstreamMethod, path: forwarded.path, host: forwarded.preservedHost };
  const ours: HeaderField[] = [
    ['host', sent.host || hostOf(target)],
    ...forwarded.fields.filter(([, value]) => value !== ''),
    ...(length === undefined ? [] : [['content-length', String(length)] as const]),
    ...(settings.upstream.send_id ? [[settings.idHeader.toLowerCase(), id] as const] : []),
  ];
  const set = new Set([...forwarded.fields, ...ours, [LOOPBACK_HEADER]].map(([name]) => name));
  const kept = endToEndRequestFields(headers, new Set([settings.idHeader.toLowerCase()])).filter(
    ([name]) =>
      !set.has(name) && !settings.dropHeaders.has(name) && name !== 'host' && name !== 'content-length',
  );
  return { method: sent.method, path: sent.path, target, headers: [...ours, ...kept] };
}

/** What Kong has to see again, so that it matches a route as it did. */
async function sentRequest(
  request: GatewayRequest,
  line: RequestLine,
): Promise<{ method: string; path: string; host: string }> {
  const { hosts } = await request.sent();
  return { method: line.method, path: line.uri, host: hosts[0] };
}

/** The Host that Kong's balancer sets: the port only where it is not the scheme's own. */
function hostOf(target: UpstreamTarget): string {
  const isDefault = target.port === (target.scheme === 'https' ? 443 : 80);
  const host = toUriHost(target.host);
  return isDefault ? host : `${host}:${String(target.port)}`;
}
