// Lets a request through that a worker sends through Kong again, and refuses whatever else carries a marker: neither can
// become a job, so that no request goes round for ever.
import { AsyncError } from '../errors/async-error';
import type { Pass } from '../http/reply';
import {
  isSignedFor,
  MAX_TOKEN_LIFE_MS,
  parseLoopbackToken,
  type LoopbackToken,
} from '../loopback/loopback-token';
import type { AccessStore } from '../accept/access-store';
import { consumeToken } from '../loopback/consume-token';
import type { GatewayRequest, RequestLine } from './gateway-request';
import { queueByEntity, type RouteSettings } from './route/route-settings';

/** What the log says of a refusal. The client is told nothing of it. */
const REASONS = {
  secret: 'the route has no upstream.loopback_secret',
  form: 'it is no marker',
  signature: 'it was not signed with the secret of this route, for this request and queue',
  stale: 'its time is over',
  'not-running': 'its attempt does not run, or is not known to this Redis and key prefix',
  used: 'it was used before',
} as const;

const RETRY_AFTER_SECONDS = 1;

/**
 * @throws AsyncError `loopback-refused` where the marker is not good for this request, `loopback-late` where it was, and
 *   `store-unavailable` where nobody can say so.
 */
export async function verifyLoopback(
  request: GatewayRequest,
  line: RequestLine,
  settings: RouteSettings,
  store: AccessStore,
  advise: (text: string) => void,
): Promise<Pass> {
  const reason = await rejectionOf(request, line, settings, store);
  if (reason !== undefined) {
    advise(`a request with a marker of re-entry was refused: ${REASONS[reason]}`);
    if (reason === 'stale') {
      // Its secret was right: a worker's own, which may come again.
      throw new AsyncError('loopback-late', {
        detail: 'The marker of re-entry is over. The request did not reach the upstream.',
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
    throw new AsyncError('loopback-refused', {
      detail: 'The request carries a marker of re-entry that is not good for it. Send it without.',
    });
  }
  return { kind: 'pass', isLoopback: true };
}

async function rejectionOf(
  request: GatewayRequest,
  line: RequestLine,
  settings: RouteSettings,
  store: AccessStore,
): Promise<keyof typeof REASONS | undefined> {
  const secret = settings.upstream.loopback_secret;
  if (secret === undefined) {
    return 'secret';
  }
  const token = parseLoopbackToken(line.loopbackToken);
  if (token === undefined) {
    return 'form';
  }
  if (!(await isSigned(token, request, line, settings, secret))) {
    return 'signature';
  }
  const consumed = await store.query((redis, keys) => consumeToken(redis, keys, token, MAX_TOKEN_LIFE_MS));
  return consumed === 'consumed' ? undefined : consumed;
}

async function isSigned(
  token: LoopbackToken,
  request: GatewayRequest,
  line: RequestLine,
  settings: RouteSettings,
  secret: string,
): Promise<boolean> {
  const { hosts } = await request.sent();
  const { method, uri } = line;
  const queue = settings.queueName ?? queueByEntity(await request.matched());
  const { keyPrefix } = settings;
  return hosts.some((host) => isSignedFor(token, { method, uri, host, keyPrefix, queue }, secret));
}
