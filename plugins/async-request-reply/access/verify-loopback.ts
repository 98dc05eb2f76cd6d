// Lets the loopback request of a worker pass, and rejects any other request with a loopback token. Neither becomes a job, so that no
// request loops forever.
import { AsyncError } from '../errors/async-error';
import {
  isSignedFor,
  MAX_TOKEN_LIFE_MS,
  parseLoopbackToken,
  type LoopbackToken,
} from '../loopback/loopback-token';
import type { AccessContext } from './access-context';
import type { PassAction } from './gateway-action';
import { queueByEntity } from './route/route-settings';

/** The reasons for a rejection, for the log. The client does not learn the reason. */
const REASONS = {
  secret: 'the route has no upstream.loopback_secret',
  form: 'the token is malformed',
  signature: 'the token is not signed with the secret of this route for this request and queue',
  stale: 'the token has expired',
  'not-running': 'its attempt is not running, or is unknown to this Redis and key prefix',
  used: 'the token was used before',
} as const;

const RETRY_AFTER_SECONDS = 1;

/**
 * @throws AsyncError `loopback-refused` if the token is not valid for this request, `loopback-late` if it has expired, and
 *   `store-unavailable` if Redis cannot tell.
 */
export async function verifyLoopback(context: AccessContext): Promise<PassAction> {
  const reason = await rejectionOf(context);
  if (reason !== undefined) {
    context.log.warnOnce(`a request with a loopback token was rejected: ${REASONS[reason]}`);
    if (reason === 'stale') {
      // The token is signed with the right secret: it comes from a worker, which may send the request again.
      throw new AsyncError('loopback-late', {
        detail: 'The loopback token has expired. The request did not reach the upstream.',
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    }
    throw new AsyncError('loopback-refused', {
      detail: 'The loopback token is not valid for this request. Send the request without it.',
    });
  }
  return { kind: 'pass', isLoopback: true };
}

async function rejectionOf(context: AccessContext): Promise<keyof typeof REASONS | undefined> {
  const { line, settings, store } = context;
  const secret = settings.upstream.loopback_secret;
  if (secret === undefined) {
    return 'secret';
  }
  const token = parseLoopbackToken(line.loopbackToken);
  if (token === undefined) {
    return 'form';
  }
  if (!(await isSigned(token, secret, context))) {
    return 'signature';
  }
  const consumed = await store.consumeToken(token, MAX_TOKEN_LIFE_MS);
  return consumed === 'consumed' ? undefined : consumed;
}

async function isSigned(
  token: LoopbackToken,
  secret: string,
  { request, line, settings }: AccessContext,
): Promise<boolean> {
  const { hosts } = await request.sent();
  const { method, uri } = line;
  const { keyPrefix } = settings;
  const queue = settings.queueName ?? queueByEntity(await request.matched());
  return hosts.some((host) => isSignedFor(token, { method, uri, host, keyPrefix, queue }, secret));
}
