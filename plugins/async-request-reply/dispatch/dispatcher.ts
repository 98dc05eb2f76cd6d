// The port through which a worker calls upstreams. dispatch/http/ implements it for HTTP; a dispatcher for another protocol
// stands beside it. The worker knows no protocol: it leases the job, stores the response and decides about retries.
import type { ResponseHead, UpstreamRequestHead } from '../http/upstream-request';
import type { JobRecord } from '../jobs/job-record';
import type { JobSettings } from '../jobs/job-settings';
import type { Secrets } from '../jobs/secrets-for';
import type { StoredPayload } from '../payloads/payload-reader';
import type { PayloadWriter } from '../payloads/payload-writer';
import type { CallOutcome } from './call-outcome';

/** What a dispatcher has to know of an attempt beside its request. */
export interface DispatchAttempt {
  readonly record: Pick<JobRecord, 'id' | 'attempts' | 'queue'>;
  /** When the attempt took its lease, by the clock of Redis, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly settings: JobSettings;
  /** Those that the fingerprints in `settings` name. */
  readonly secrets: Secrets;
  /** Called right before the request is sent. If it returns false, the signal has ended the call. */
  readonly mayStart: () => boolean;
}

/** Opens the writer that stores the body of a response. */
export type ResponseSink = (head: ResponseHead) => PayloadWriter;

export interface Dispatcher {
  /**
   * Sends a stored request and stores what comes back, at most once, within the limits of the attempt's settings. What was
   * stored of an incomplete response is deleted before the call ends.
   *
   * Never rejects: every failure is an outcome.
   *
   * @param signal ends the call. Its connection is closed, so that the upstream can notice.
   */
  call(
    attempt: DispatchAttempt,
    request: StoredPayload<UpstreamRequestHead>,
    sink: ResponseSink,
    signal: AbortSignal,
  ): Promise<CallOutcome>;
  /** Closes the connections. Calls that are under way end as failures. */
  close(): Promise<void>;
}
