// How a call to an upstream can end.
import type { ProblemCode } from '../../errors/problem-catalog';
import type { PayloadWriter } from '../../payloads/payload-writer';
import type { ResponseHead } from '../../http/upstream-request';

export interface CallFailure {
  readonly kind: 'failure';
  readonly code: ProblemCode;
  readonly detail: string;
  /** Error type of RFC 9209, 2.3. */
  readonly proxyError: string;
  /** False only where it is certain that no byte of the request left this machine. */
  readonly mayHaveArrived: boolean;
  /** Whether another attempt may fare better. */
  readonly retryable: boolean;
}

export type CallOutcome =
  /** `body` has taken all of it in; what is left to do is its `finish`. */
  | { readonly kind: 'response'; readonly head: ResponseHead; readonly body: PayloadWriter }
  | CallFailure
  /** The caller's signal ended the call. */
  | { readonly kind: 'aborted'; readonly mayHaveArrived: boolean };
