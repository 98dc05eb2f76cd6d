// Decides what a request is before anything else: a poll, a submit, or a request to pass through.
import { AsyncError } from '../errors/async-error';
import { queryValues } from '../http/query';
import type { GatewayRequest, RequestLine } from './gateway-request';
import type { RouteSettings } from './route/route-settings';

/** Which of a job's addresses is polled; `header` is any URL with the ID header. */
type PollView = 'header' | 'status' | 'result';

/** What is polled: the ID as the client wrote it, perhaps malformed, and which of the job's addresses. */
export interface PollTarget {
  readonly id: string;
  readonly view: PollView;
}

type RequestKind =
  | ({ readonly kind: 'poll' } & PollTarget)
  | { readonly kind: 'submit' }
  /** A submit, unless it opens a WebSocket on a route that lets WebSockets pass. */
  | { readonly kind: 'handshake' }
  /** A request without an ID on a route that only answers polls. */
  | { readonly kind: 'nothing-here' }
  | { readonly kind: 'pass' };

const RESULT_SUFFIX = '/result';

/** Methods that never become jobs, whatever the settings: tunnels, traces and CORS preflights. */
const NEVER_JOBS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'OPTIONS']);

/**
 * Tells polls from submits. A request with a job ID is a poll, whatever its method, and never reaches the upstream.
 *
 * @throws AsyncError `ambiguous-id` if an ID is given twice, or differs between header and query.
 */
export function classify(line: RequestLine, settings: RouteSettings): RequestKind {
  const queryId = singleQueryId(line, settings);
  const headerId = singleHeaderId(line.idHeader);
  if (queryId !== undefined) {
    if (headerId !== undefined && headerId.toLowerCase() !== queryId.toLowerCase()) {
      throw ambiguous('The job ID in the header and the one in the query differ. Send one of them.');
    }
    return { kind: 'poll', id: queryId, view: viewOf(line, settings) };
  }
  const pathId = settings.statusUrl === undefined ? undefined : matchStatusPath(line.uri, settings.statusUrl);
  if (pathId !== undefined) {
    return { kind: 'poll', ...pathId };
  }
  if (headerId !== undefined) {
    return { kind: 'poll', id: headerId, view: 'header' };
  }
  if (settings.intercept === 'never') {
    return { kind: 'nothing-here' };
  }
  if (
    NEVER_JOBS.has(line.method) ||
    NEVER_JOBS.has(line.upstreamMethod) ||
    !settings.methods.has(line.method)
  ) {
    return { kind: 'pass' };
  }
  return { kind: settings.passWebSocket && line.upgrade !== '' ? 'handshake' : 'submit' };
}

const ambiguous = (detail: string): AsyncError => new AsyncError('ambiguous-id', { detail });

function singleHeaderId(header: string): string | undefined {
  // nginx joins repeated fields with commas, and no ID contains a comma.
  if (header.includes(',')) {
    throw ambiguous('The job ID header was sent more than once. Send it once.');
  }
  return header === '' ? undefined : header.trim();
}

/** The query that the client sent counts first: an earlier plugin may have removed the ID from the one that Kong forwards. */
function singleQueryId(line: RequestLine, settings: RouteSettings): string | undefined {
  const sent = queryValues(rawQuery(line.uri), settings.idQuery);
  const values = sent.length > 0 ? sent : queryValues(line.query, settings.idQuery);
  if (values.length > 1) {
    throw ambiguous(`The query argument ${settings.idQuery} was sent more than once. Send it once.`);
  }
  return values[0];
}

const rawQuery = (uri: string): string => (uri.includes('?') ? uri.slice(uri.indexOf('?') + 1) : '');

const viewOf = (line: RequestLine, settings: RouteSettings): PollView =>
  queryValues(rawQuery(line.uri), settings.resultQuery).includes('result') ? 'result' : 'status';

/** Matches the path of a request against the path of the `status_url` template. */
function matchStatusPath(uri: string, template: string): PollTarget | undefined {
  const path = uri.split('?', 1)[0] ?? '';
  const [before = '', after = ''] = template.replace(/^https?:\/\/[^/]*/, '').split('{id}', 2);
  const end = (tail: string): string | undefined =>
    path.startsWith(before) && path.endsWith(tail) && path.length > before.length + tail.length
      ? path.slice(before.length, path.length - tail.length)
      : undefined;
  const result = end(after + RESULT_SUFFIX);
  if (result !== undefined && !result.includes('/')) {
    return { id: result, view: 'result' };
  }
  const status = end(after);
  return status !== undefined && !status.includes('/') ? { id: status, view: 'status' } : undefined;
}

/**
 * Whether a request opens a WebSocket over HTTP/1.1 (RFC 6455, 4.1): a GET with all four fields of the handshake. Any other
 * `Upgrade` is ignored (RFC 9110, 7.8), so that no field lets a client past the queue.
 */
export async function isWebSocketHandshake(request: GatewayRequest, line: RequestLine): Promise<boolean> {
  return (
    line.method === 'GET' &&
    line.upgrade.toLowerCase() === 'websocket' &&
    (await hasValue(request, 'connection', /(^|,)[ \t]*upgrade[ \t]*(,|$)/i)) &&
    (await hasValue(request, 'sec-websocket-key', /^[A-Za-z0-9+/]{22}==$/)) &&
    (await hasValue(request, 'sec-websocket-version', /^\d{1,3}$/))
  );
}

const hasValue = async (request: GatewayRequest, name: string, value: RegExp): Promise<boolean> =>
  value.test((await request.headerValues(name)).join(','));
