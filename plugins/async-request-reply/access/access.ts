// The access phase: turns a request into an action. It never throws, since Kong proxies a request whose plugin has thrown as if the
// plugin had let it pass.
import { AsyncError } from '../errors/async-error';
import { problemReply } from '../errors/problem-reply';
import { preferencesOf } from '../http/prefer';
import type { AccessContext } from './access-context';
import { classify, isWebSocketHandshake } from './classify';
import { PASS, replyWith, type GatewayAction } from './gateway-action';
import { poll } from './poll/poll';
import { internalErrorReply, jobHeaders, varyValue } from './replies';
import { submit } from './submit/submit';
import { verifyLoopback } from './verify-loopback';

/** Decides what the gateway does with a request. Never rejects. */
export async function access(context: Omit<AccessContext, 'line'>): Promise<GatewayAction> {
  try {
    return await decide({ ...context, line: await context.request.line() });
  } catch (error) {
    if (error instanceof AsyncError) {
      return rejection(error, context);
    }
    context.log.error(error);
    return replyWith(internalErrorReply());
  }
}

async function decide(context: AccessContext): Promise<GatewayAction> {
  const { request, line, settings } = context;
  if (line.loopbackToken !== '') {
    return verifyLoopback(context);
  }
  const kind = classify(line, settings);
  switch (kind.kind) {
    case 'pass':
      return PASS;
    case 'nothing-here':
      throw new AsyncError('not-found', { detail: 'This address only answers polls. Send a job ID.' });
    case 'poll':
      return replyWith(await poll(context, kind));
    case 'handshake':
      return (await isWebSocketHandshake(request, line)) ? PASS : submitOrPass(context);
    case 'submit':
      return submitOrPass(context);
  }
}

/** With `intercept: prefer` a request without `respond-async` passes. Its response then varies by that preference. */
async function submitOrPass(context: AccessContext): Promise<GatewayAction> {
  const { request, settings } = context;
  if (settings.intercept === 'prefer') {
    const { respondAsync } = preferencesOf(await request.headerValues('prefer'));
    if (!respondAsync) {
      return { kind: 'pass', vary: varyValue(settings) };
    }
  }
  const outcome = await submit(context);
  return outcome.kind === 'empty-id' ? replyWith(await poll(context, { id: '', view: 'header' })) : outcome;
}

function rejection(error: AsyncError, { settings, log }: Omit<AccessContext, 'line'>): GatewayAction {
  if (error.status >= 500) {
    log.error(error);
  }
  const isStoreFailure = error.code === 'store-unavailable' || error.code === 'store-full';
  // Of a store failure only a submit knows the job ID.
  if (isStoreFailure && settings.onStoreFailure === 'proxy' && error.jobId !== undefined) {
    return PASS;
  }
  return replyWith(problemReply(error, jobHeaders(settings, error.jobId)));
}
