// Decides how the body of a request is read: in memory, or streamed on the handoff path.
import { AsyncError } from '../../errors/async-error';
import type { ExpectedBody, GatewayRequest } from '../gateway-request';
import type { RouteSettings } from '../route/route-settings';

/** What the request states about its body. @throws AsyncError `body-too-large` if the stated length is. */
export async function expectedBody(request: GatewayRequest, settings: RouteSettings): Promise<ExpectedBody> {
  const expected = await request.expectedBody();
  if (expected.kind === 'length' && expected.bytes > settings.maxRequestBytes) {
    throw bodyTooLarge(settings);
  }
  return expected;
}

/** Over HTTP/2 most requests with another method have no body, and no request states that. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Whether a body is, or may be, over a threshold. Every request is over a threshold of 0. */
export function isOver(expected: ExpectedBody, method: string, bytes: number): boolean {
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

export const lengthOf = (expected: ExpectedBody): number | undefined =>
  expected.kind === 'length' ? expected.bytes : undefined;

const bodyTooLarge = (settings: RouteSettings): AsyncError =>
  new AsyncError('body-too-large', {
    detail: `The request body is over the limit of ${String(settings.maxRequestBytes)} bytes of this route.`,
  });

/** The body; undefined if the request has none. @throws AsyncError `body-too-large` */
export async function requestBody(
  request: GatewayRequest,
  settings: RouteSettings,
): Promise<Buffer | undefined> {
  const outcome = await request.body(settings.maxRequestBytes);
  if (outcome.kind === 'too-large') {
    throw bodyTooLarge(settings);
  }
  return outcome.body;
}
