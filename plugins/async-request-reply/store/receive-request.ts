// Receives a request's body into Redis while it comes in, before the job is there. Nothing is left where that fails.
import { AsyncError } from '../errors/async-error';
import type { NewJob } from './new-job';
import type { JobPayloads } from './job-payloads';
import { PayloadLostError } from './payload-errors';

/** What of a job has to be known while its body comes in. */
export type ReceivedJob = Pick<NewJob, 'id' | 'queue' | 'openTtlMs' | 'request' | 'key'>;

export interface Upload {
  readonly body: AsyncIterable<Buffer>;
  readonly maxBytes: number;
}

/**
 * @returns the job with its length stated.
 * @throws AsyncError `body-too-large`; `store-unavailable` where Redis lost a part; and whatever `upload.body` fails with.
 */
export async function receiveRequest<Job extends ReceivedJob>(
  payloads: JobPayloads,
  job: Job,
  upload: Upload,
): Promise<Job> {
  const writer = payloads.writeRequest(job);
  try {
    for await (const piece of upload.body) {
      if (writer.bytes + piece.length > upload.maxBytes) {
        throw new AsyncError('body-too-large', {
          detail: `The request body is over the limit of ${String(upload.maxBytes)} bytes of this route.`,
        });
      }
      await writer.write(piece);
    }
    const complete = withLength(job, writer.bytes);
    await writer.finish(complete.request);
    return complete;
  } catch (error) {
    await writer.discard().catch(() => undefined);
    throw error instanceof PayloadLostError
      ? new AsyncError('store-unavailable', { detail: 'The job store lost a part of the request body.' })
      : error;
  }
}

function withLength<Job extends ReceivedJob>(job: Job, bytes: number): Job {
  const headers = job.request.headers.filter(([name]) => name !== 'content-length');
  return {
    ...job,
    request: { ...job.request, headers: [...headers, ['content-length', String(bytes)]] },
  };
}
