// Loopback tokens: true ones, caught from a worker before Kong has seen them, and others
import {
  LOOPBACK_HEADER,
  signLoopbackToken,
  type MarkedRequest,
} from '../../../plugins/async-request-reply/loopback/loopback-token';
import type { HttpResponse, RequestOptions } from '../http-client';
import { ID_HEADER } from '../id-header';
import { Latch } from '../latch';
import type { Stack } from '../stack';
import type { RecordedRequest } from '../upstream';
import { heldBy, reply } from '../upstream/answers';

export const markerOf = (request: RecordedRequest): string | undefined => request.header(LOOPBACK_HEADER);

/** A loopback token that is signed with another secret. */
export function forgedMarker(request: Partial<MarkedRequest> = {}): string {
  const loopback = { jobId: '01890a5d-ac96-774b-bcce-b302099a8057', attempt: 1, endsAt: Date.now() + 10_000 };
  return signLoopbackToken(
    loopback,
    { method: 'GET', uri: '/', host: '127.0.0.1', keyPrefix: 'any', queue: 'specs', ...request },
    'not the secret of the specs',
  );
}

/** A request of the route on which loopback tokens are captured. */
export const ofSpecs = (stack: Stack, uri: string): MarkedRequest => ({
  method: 'GET',
  uri,
  host: '127.0.0.1',
  keyPrefix: stack.keyPrefix,
  queue: 'specs',
});

interface CaughtMarker {
  readonly id: string;
  readonly marker: string;
  /** Lets the worker's own call end. */
  readonly open: () => void;
  /** That, and waits until the job has settled. */
  readonly end: () => Promise<void>;
}

/** A job whose attempt runs, and the unused loopback token of its worker. */
export async function caughtMarker(stack: Stack, path: string): Promise<CaughtMarker> {
  const latch = new Latch();
  stack.upstream.script(path, heldBy(latch, reply()), reply({ body: 'passed' }));
  const { id } = await stack.submit(path);
  const [call] = await stack.upstream.called(path);
  const open = (): void => latch.open();
  const end = async (): Promise<void> => {
    open();
    await stack.settled(path, id);
  };
  return { id, marker: call === undefined ? '' : (markerOf(call) ?? ''), open, end };
}

/** The response to a request with this loopback token, and how many requests besides the worker's have reached the service. */
export async function reenter(
  stack: Stack,
  path: string,
  marker: string,
  options: RequestOptions = {},
): Promise<{ response: HttpResponse; passed: RecordedRequest[] }> {
  const headers = {
    [ID_HEADER]: '01890a5d-ac96-774b-bcce-b302099a8057',
    [LOOPBACK_HEADER]: marker,
    ...options.headers,
  };
  const response = await stack.request(path, { ...options, headers });
  const passed = stack.upstream.requests.filter((request) => request.path === path.split('?')[0]).slice(1);
  return { response, passed };
}
