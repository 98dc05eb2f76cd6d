// The one exception of the plugin. Expected outcomes are tagged unions; the exception ends a request.
import type { HeaderField } from '../http/reply';
import { PROBLEMS, type ProblemCode } from './problem-catalog';

interface AsyncErrorDetails {
  /** What happened and what to do, for the client: no host name, no credential, no body. */
  readonly detail: string;
  /** Seconds for `Retry-After`, if another try makes sense. */
  readonly retryAfterSeconds?: number | undefined;
  /** Members beside those of RFC 9457, such as `errors` of a failed validation. */
  readonly extension?: Readonly<Record<string, unknown>> | undefined;
  /** Header fields that belong to the problem, such as `Accept` with 415. */
  readonly headers?: readonly HeaderField[] | undefined;
  /** The job that the error is about, if the client may know its ID: the answer carries it. */
  readonly jobId?: string | undefined;
  readonly cause?: unknown;
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
  readonly jobId: string | undefined;

  constructor(code: ProblemCode, details: AsyncErrorDetails) {
    super(details.detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.extension = details.extension;
    this.headers = details.headers ?? [];
    this.jobId = details.jobId;
  }

  /** Returns the same error, about a job whose ID the client may know. */
  withJobId(jobId: string): AsyncError {
    const { code, message: detail, retryAfterSeconds, extension, headers, cause } = this;
    return new AsyncError(code, { detail, retryAfterSeconds, extension, headers, cause, jobId });
  }
}
