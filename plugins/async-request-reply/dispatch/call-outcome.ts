// How a call to an upstream can end.
import type { ProblemCode } from '../errors/problem-catalog';
import type { ResponseHead } from '../http/upstream-request';
import type { PayloadWriter } from '../payloads/payload-writer';

export interface CallFailure {
  readonly kind: 'failure';
  readonly code: ProblemCode;
  /** For the client: holds nothing internal. */
  readonly detail: string;
  /** Error type of RFC 9209, 2.3. */
  readonly proxyError: string;
  /** False only if it is certain that no byte of the request left this machine. */
  readonly mayHaveArrived: boolean;
  /** Whether another attempt may succeed. */
  readonly retryable: boolean;
}

export type CallOutcome =
  /** `body` has received all of the response; its `finish` is left to the caller. */
  | { readonly kind: 'response'; readonly head: ResponseHead; readonly body: PayloadWriter }
  | CallFailure
  /** The caller's signal ended the call. */
  | { readonly kind: 'aborted'; readonly mayHaveArrived: boolean };

/** A failure, but for what the call had reached by then. */
export type FailureKind = Omit<CallFailure, 'kind' | 'mayHaveArrived'>;

/** The job store, and not the upstream, is the reason. */
export const PAYLOAD_LOST: FailureKind = {
  code: 'internal-error',
  detail: 'A part of the request or of its response was lost in the job store.',
  proxyError: 'proxy_internal_error',
  retryable: true,
};
