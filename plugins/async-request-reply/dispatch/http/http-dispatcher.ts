// Calls upstreams over HTTP/1.1, directly or through Kong again.
import type { UpstreamRequestHead } from '../../http/upstream-request';
import type { StoredPayload } from '../../payloads/payload-reader';
import type { CallOutcome } from '../call-outcome';
import type { DispatchAttempt, Dispatcher, ResponseSink } from '../dispatcher';
import { AgentPool } from './agent-pool';
import { loopbackFields } from './loopback-fields';
import { callUpstream } from './upstream-call';

export class HttpDispatcher implements Dispatcher {
  readonly #agents = new AgentPool();
  readonly #keyPrefix: string;

  /** @param keyPrefix is signed into loopback tokens. */
  constructor(keyPrefix: string) {
    this.#keyPrefix = keyPrefix;
  }

  call(
    attempt: DispatchAttempt,
    request: StoredPayload<UpstreamRequestHead>,
    sink: ResponseSink,
    signal: AbortSignal,
  ): Promise<CallOutcome> {
    const { settings, secrets, mayStart } = attempt;
    return callUpstream(this.#agents.for(settings, secrets), request, {
      moreFields: loopbackFields({ ...attempt, keyPrefix: this.#keyPrefix }, request.head, secrets),
      timeoutMs: settings.attemptTimeoutMs,
      maxResponseBytes: settings.maxResponseBytes,
      maxHandoffHeadBytes: settings.maxHandoffHeadBytes,
      signal,
      mayStart,
      sink,
    });
  }

  close(): Promise<void> {
    return this.#agents.close();
  }
}
