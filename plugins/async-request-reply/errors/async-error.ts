// The only exception class of the plugin. It ends a request; expected outcomes are tagged unions instead.
import type { HeaderField } from '../http/reply';
import { PROBLEMS, type ProblemCode } from './problem-catalog';

export interface AsyncErrorDetails {
  /** What happened and what to do, for the client: no host name, no credential, no body. */
  detail: string;
  /** Seconds for `Retry-After`, if it makes sense to try again. */
  retryAfterSeconds?: number;
  /** Further members of the problem, such as `errors` of a failed validation. */
  extension?: Readonly<Record<string, unknown>>;
  /** Header fields that belong to the problem, such as `Accept` with 415. */
  headers?: readonly HeaderField[];
  cause?: unknown;
}

/**
 * An error with a stable `code` to match on. `status` is the HTTP status that a client gets for it. Only `problemReply` makes a
 * problem+json body from it.
 */
export class AsyncError extends Error {
  override readonly name = 'AsyncError';
  readonly code: ProblemCode;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly extension: Readonly<Record<string, unknown>> | undefined;
  readonly headers: readonly HeaderField[];

  constructor(code: ProblemCode, details: AsyncErrorDetails) {
    super(details.detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.extension = details.extension;
    this.headers = details.headers ?? [];
  }
}
