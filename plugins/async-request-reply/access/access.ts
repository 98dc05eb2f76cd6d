// The access phase: a request comes in, a decision comes out, and nothing ever escapes as an exception, since
// Kong takes a plugin that throws for one that lets the request pass.
import { AsyncError } from '../errors/async-error';
import { KnownJobError } from '../errors/known-job-error';
import { problemReply } from '../errors/problem-reply';
import { preferencesOf } from '../http/prefer';
import { PASS, replyWith, type Decision } from '../http/reply';
import type { AccessStore } from '../accept/access-store';
import { verifyLoopback } from './verify-loopback';
import { classify, isWebSocketHandshake } from './classify';
import type { GatewayRequest, RequestLine } from './gateway-request';
import { internalErrorReply, jobHeaders, varyValue } from './replies';
import { poll } from './poll/poll';
import type { RouteSettings } from './route/route-settings';
import { SubmitError } from './submit/accept-job';
import { submit } from './submit/submit';

/** Where the access side says what an operator should know. */
export interface AccessLog {
  /** What should not have happened; the error's message must not be given to a client. */
  failure(error: unknown): void;
  /** Something about the route's configuration: told once for each instance. */
  advice(text: string): void;
}

/** Decides what becomes of a request. Never rejects. */
export async function access(
  request: GatewayRequest,
  settings: RouteSettings,
  store: AccessStore,
  log: AccessLog,
): Promise<Decision> {
  try {
    return await decide(request, settings, store, log);
  } catch (error) {
    if (error instanceof AsyncError) {
      return rejection(error, settings, log);
    }
    log.failure(error);
    return replyWith(internalErrorReply());
  }
}

async function decide(
  request: GatewayRequest,
  settings: RouteSettings,
  store: AccessStore,
  log: AccessLog,
): Promise<Decision> {
  const line = await request.line();
  if (line.loopbackToken !== '') {
    return verifyLoopback(request, line, settings, store, (text) => log.advice(text));
  }
  const kind = classify(line, settings);
  switch (kind.kind) {
    case 'pass':
      return PASS;
    case 'nothing-here':
      throw new AsyncError('not-found', { detail: 'This address is for polls only: send a job ID.' });
    case 'poll':
      return replyWith(await poll(request, line, kind, settings, store));
    case 'handshake':
      return (await isWebSocketHandshake(request, line))
        ? PASS
        : submitOrPass(request, line, settings, store, log);
    case 'submit':
      return submitOrPass(request, line, settings, store, log);
  }
}

/** On a route for those who prefer it the others pass: the answer then depends on what they did not say. */
async function submitOrPass(
  request: GatewayRequest,
  line: RequestLine,
  settings: RouteSettings,
  store: AccessStore,
  log: AccessLog,
): Promise<Decision> {
  if (settings.intercept === 'prefer') {
    const { respondAsync } = preferencesOf(await request.headerValues('prefer'));
    if (!respondAsync) {
      return { kind: 'pass', vary: varyValue(settings) };
    }
  }
  const outcome = await submit(request, line, settings, store, (text) => log.advice(text));
  return outcome.kind === 'empty-id'
    ? replyWith(await poll(request, line, { id: '', view: 'header' }, settings, store))
    : outcome;
}

function rejection(error: AsyncError, settings: RouteSettings, log: AccessLog): Decision {
  if (error.status >= 500) {
    log.failure(error);
  }
  const isStoreFailure = error.code === 'store-unavailable' || error.code === 'store-full';
  if (isStoreFailure && settings.onStoreFailure === 'proxy' && error instanceof SubmitError) {
    return PASS;
  }
  const id = error instanceof KnownJobError ? error.jobId : undefined;
  return replyWith(problemReply(error, jobHeaders(settings, id)));
}
