// Turns a request into a job: reads it as the upstream would have seen it, accepts it durably, and answers 202.
import { AsyncError } from '../../errors/async-error';
import { fieldValue } from '../../http/fields';
import { endToEndRequestFields } from '../../http/hop-by-hop';
import type { HeaderField } from '../../http/reply';
import type { UpstreamRequestHead, UpstreamTarget } from '../../http/upstream-request';
import { toUriHost } from '../../http/uri-host';
import { LOOPBACK_HEADER } from '../../loopback/loopback-token';
import { newJobId } from '../../jobs/job-id';
import type { AccessContext } from '../access-context';
import { replyWith, type GatewayAction } from '../gateway-action';
import { hasLinks } from '../job-links';
import { ownerOf } from '../owner';
import { requestAddress } from '../request-address';
import { inlineSettings } from '../route/route-settings';
import { acceptJob } from './accept-job';
import { buildJob } from './build-job';
import { idempotencyKey, RequestDigest } from './idempotency';
import { expectedBody, isOver, lengthOf, requestBody } from './request-body';
import { scheduleHeaders } from './schedule-headers';
import { upstreamTarget } from './upstream-target';
import { validateRequest } from './validate-request';

const EMPTY = Buffer.alloc(0);

/** nginx's variable does not tell an empty ID header from an absent one. A request with an empty one is a poll. */
type SubmitOutcome = GatewayAction | { readonly kind: 'empty-id' };

export async function submit(configured: AccessContext): Promise<SubmitOutcome> {
  const { request, line, log } = configured;
  const matched = await request.matched();
  // Without a service Kong proxies nothing, not even to the handoff listener.
  const settings =
    matched.serviceId === undefined ? inlineSettings(configured.settings) : configured.settings;
  const context: AccessContext = { ...configured, settings };
  const headers = await request.headers();
  if (fieldValue(headers, settings.idHeader) !== undefined) {
    return { kind: 'empty-id' };
  }
  rejectControlCharacters(headers);
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
    log.warnOnce('the route does not accept GET and has no status_url: a 202 has neither Location nor links');
  }
  const id = newJobId();
  const length = isHandedOff ? lengthOf(expected) : body?.length;
  const submission = buildJob(
    {
      id,
      owner,
      headers,
      line,
      matched,
      head: await upstreamRequestHead(context, { id, headers, length, target }),
      body: isHandedOff ? 'stored' : (body ?? EMPTY),
      isPollable,
      key,
      requested,
    },
    settings,
  );
  if (isHandedOff) {
    return { kind: 'stream', command: { ...submission, kind: 'accept' } };
  }
  const digest = key && new RequestDigest(line).update(body ?? EMPTY).digest();
  return replyWith(await acceptJob(context, submission, digest));
}

/** nginx accepts control characters in field values, but the HTTP client of a worker does not send them (RFC 9110, 5.5). */
function rejectControlCharacters(headers: readonly HeaderField[]): void {
  // eslint-disable-next-line no-control-regex -- control characters are the point
  const field = headers.find(([, value]) => /[\x00-\x08\x0a-\x1f\x7f]/.test(value));
  if (field !== undefined) {
    throw new AsyncError('invalid-header', {
      detail: `The header field ${field[0]} contains a control character, which HTTP does not allow.`,
    });
  }
}

interface HeadOptions {
  readonly id: string;
  readonly headers: readonly HeaderField[];
  /** Of the body; undefined if it is not known yet. */
  readonly length: number | undefined;
  readonly target: UpstreamTarget;
}

async function upstreamRequestHead(
  context: AccessContext,
  { id, headers, length, target }: HeadOptions,
): Promise<UpstreamRequestHead> {
  const { request, line, settings } = context;
  const idHeader = settings.idHeader.toLowerCase();
  const forwarded = await request.forwarded();
  const sent =
    settings.upstream.mode === 'loopback'
      ? await sentRequest(context)
      : { method: line.upstreamMethod, path: forwarded.path, host: forwarded.preservedHost };
  const ours: HeaderField[] = [
    ['host', sent.host || hostOf(target)],
    ...forwarded.fields.filter(([, value]) => value !== ''),
  ];
  if (length !== undefined) {
    ours.push(['content-length', String(length)]);
  }
  if (settings.upstream.send_id) {
    ours.push([idHeader, id]);
  }
  const replaced = new Set([
    ...forwarded.fields.map(([name]) => name),
    ...ours.map(([name]) => name),
    ...settings.dropHeaders,
    LOOPBACK_HEADER,
    'host',
    'content-length',
  ]);
  const kept = endToEndRequestFields(headers, new Set([idHeader])).filter(([name]) => !replaced.has(name));
  return { method: sent.method, path: sent.path, target, headers: [...ours, ...kept] };
}

/** What Kong has to see again so that it matches the same route. */
async function sentRequest({
  request,
  line,
}: AccessContext): Promise<{ method: string; path: string; host: string }> {
  const { hosts } = await request.sent();
  return { method: line.method, path: line.uri, host: hosts[0] };
}

/** The Host that Kong's balancer sets: with the port, unless it is the default port of the scheme. */
function hostOf(target: UpstreamTarget): string {
  const isDefault = target.port === (target.scheme === 'https' ? 443 : 80);
  const host = toUriHost(target.host);
  return isDefault ? host : `${host}:${String(target.port)}`;
}
