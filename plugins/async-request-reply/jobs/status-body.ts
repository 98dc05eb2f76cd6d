// The status body: what a client may know of its job. Never the request's headers or body.
import { isSettled, type JobRecord } from './job-record';
import { problemType, isProblemCode } from '../errors/problem-catalog';

/** The addresses of a job. */
export interface JobLinks {
  readonly status: string;
  readonly result: string;
}

/** RFC 3339 in UTC. */
const time = (ms: number): string => new Date(ms).toISOString();

/**
 * The JSON text of a job's status; docs/http.md has the members.
 *
 * @param queuePosition position among the waiting jobs of the queue, from 1; undefined if the job does not wait, or if the
 *   position is unknown.
 */
export function statusBody(job: JobRecord, links: JobLinks | undefined, queuePosition?: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: job.id,
      state: job.state,
      attempts: job.attempts,
      created_at: time(job.createdAt),
      ...(job.startedAt !== undefined && { started_at: time(job.startedAt) }),
      ...(job.settledAt !== undefined && { settled_at: time(job.settledAt) }),
      expires_at: time(job.expiresAt),
      ...(queuePosition !== undefined && { queue_position: queuePosition }),
      ...(job.upstreamStatus !== undefined && { upstream_status: job.upstreamStatus }),
      ...(job.error !== undefined &&
        isSettled(job.state) && {
          error: {
            type: isProblemCode(job.error.code) ? problemType(job.error.code) : job.error.code,
            detail: job.error.detail,
          },
        }),
      ...(links !== undefined && { links }),
    }),
  );
}
