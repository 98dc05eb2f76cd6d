// An error about a job whose ID the caller may see: the answer carries it.
import { AsyncError } from './async-error';

export class KnownJobError extends AsyncError {
  readonly jobId: string;

  constructor(error: AsyncError, jobId: string) {
    super(error.code, {
      detail: error.message,
      cause: error.cause,
      ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
    });
    this.jobId = jobId;
  }
}
