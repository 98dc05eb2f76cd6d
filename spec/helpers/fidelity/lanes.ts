// One request sent twice through the same gateway: past the plugin, and as a job.
import type { HttpResponse } from '../http-client';
import { toFields, type Field, type FieldsInput } from '../http/fields';
import { chunkedBytes, headBytes } from '../http/http-message';
import { ID_HEADER } from '../id-header';
import type { Stack } from '../stack';
import type { PluginConfig, RouteOptions } from '../stack/kong-config';
import { until } from '../until';
import type { RecordedRequest } from '../upstream';

/** By this field a request chooses the route without the plugin; it goes on to the upstream from both. */
export const LANE_HEADER = 'X-Lane';

export interface LaneOptions {
  /** Default `/NAME`. */
  paths?: string[];
  /** Where the service is. Default: the recording upstream. */
  serviceUrl?: string;
  route?: object;
  service?: object;
  config?: PluginConfig;
}

/** A request as it stands on the wire. */
export interface WireRequest {
  method?: string;
  target: string;
  version?: '1.0' | '1.1';
  /** Null: none is sent. Default: the gateway's address. */
  host?: string | null;
  headers?: FieldsInput;
  body?: Buffer | string;
  /** The body in the chunked coding, a chunk a piece. */
  chunks?: readonly (Buffer | string)[];
}

/** What the upstream was sent, and what the client was answered at once. */
export interface Passage {
  request: RecordedRequest;
  answer: HttpResponse;
}

export interface QueuedPassage extends Passage {
  id: string;
  replay: HttpResponse;
}

/** Two routes to the same upstream that take the same requests: one has the plugin, and the other nothing. */
export function laneRoutes(name: string, options: LaneOptions = {}): RouteOptions[] {
  const { paths = [`/${name}`], config = {}, route = {}, ...shared } = options;
  const headers = { [LANE_HEADER.toLowerCase()]: ['direct'] };
  return [
    { ...shared, name: `${name}-direct`, paths, config: false, route: { ...route, headers } },
    { ...shared, name: `${name}-queued`, paths, config, route },
  ];
}

/** Sends it past the plugin. @throws when the upstream was not called exactly once */
export async function sendDirect(stack: Stack, request: WireRequest): Promise<Passage> {
  const before = stack.upstream.requests.length;
  const answer = await send(stack, request, 'direct');
  const [recorded, ...more] = stack.upstream.requests.slice(before);
  if (recorded === undefined || more.length > 0) {
    throw new Error(`${more.length + 1} calls or none: ${answer.status} ${answer.text}`);
  }
  return { request: recorded, answer };
}

/**
 * Sends it as a job and waits until that has settled.
 * @param pollPath a path of the same route
 * @throws when it was not accepted, or did not reach the upstream
 */
export async function sendQueued(
  stack: Stack,
  request: WireRequest,
  pollPath: string,
): Promise<QueuedPassage> {
  const answer = await send(stack, request, 'queued');
  const id = answer.header(ID_HEADER);
  if (answer.status !== 202 || id === undefined) {
    throw new Error(`${request.target} was not accepted: ${answer.status} ${answer.text}`);
  }
  const replay = await replayOf(stack, pollPath, id);
  const [recorded] = stack.upstream.callsOf(id);
  if (recorded === undefined) throw new Error(`the upstream was not called: ${replay.status} ${replay.text}`);
  return { request: recorded, answer, id, replay };
}

/** Polls until the job has settled: a 202 of the upstream's own is told from a pending one by its Age. */
function replayOf(stack: Stack, pollPath: string, id: string): Promise<HttpResponse> {
  return until(`job ${id} to settle`, async () => {
    const response = await stack.poll(pollPath, id);
    return response.status !== 202 || response.header('Age') !== undefined ? response : null;
  });
}

/** Sends it on one of the routes, whatever becomes of it. */
export function send(stack: Stack, request: WireRequest, lane: 'direct' | 'queued'): Promise<HttpResponse> {
  const { method = 'GET' } = request;
  return stack.client.send(requestBytes(request, stack.gateway.proxyPort, lane), { method });
}

function requestBytes(request: WireRequest, port: number, lane: string): Buffer {
  const { method = 'GET', target, version = '1.1', host = `127.0.0.1:${port}` } = request;
  const body = request.body === undefined ? null : Buffer.from(request.body);
  const fields: Field[] = [
    ...(host === null ? [] : [['Host', host] as const]),
    [LANE_HEADER, lane],
    ...toFields(request.headers),
    ...(body === null ? [] : [['Content-Length', String(body.length)] as const]),
    ...(request.chunks === undefined ? [] : [['Transfer-Encoding', 'chunked'] as const]),
  ];
  const chunks = request.chunks?.map((chunk) => Buffer.from(chunk));
  return Buffer.concat([
    headBytes(`${method} ${target} HTTP/${version}`, fields),
    chunks === undefined ? (body ?? Buffer.alloc(0)) : chunkedBytes(chunks),
  ]);
}
