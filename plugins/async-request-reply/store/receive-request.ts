// Receives a request's body into Redis while it comes in, before the job is there. Nothing is left where that fails.
import { AsyncError } from '../errors/async-error';
import type { NewJob } from './new-job';
import type { JobPayloads } from './job-payloads';
import { PayloadLostError } from './payload-errors';
import type { UploadBytes } from './upload-bytes';

/** What of a job has to be known while its body comes in. */
export type ReceivedJob = Pick<NewJob, 'id' | 'queue' | 'openTtlMs' | 'request' | 'key'>;

export interface Upload {
  readonly body: AsyncIterable<Buffer>;
  /** Where it says so beforehand. */
  readonly length: number | undefined;
  readonly maxBytes: number;
}

/**
 * @param counted has begun.
 * @returns the job with its length stated.
 * @throws AsyncError `body-too-large`; `queue-full` where its queue has no room for it; `store-unavailable` where Redis lost a part; and whatever `upload.body` fails with.
 */
export async function receiveRequest<Job extends ReceivedJob>(
  payloads: JobPayloads,
  job: Job,
  upload: Upload,
  counted: UploadBytes,
): Promise<Job> {
  const writer = payloads.writeRequest(job);
  try {
    for await (const piece of upload.body) {
      if (writer.bytes + piece.length > upload.maxBytes) {
        throw new AsyncError('body-too-large', {
          detail: `The request body is over the limit of ${String(upload.maxBytes)} bytes of this route.`,
        });
      }
      await counted.grow(writer.bytes + piece.length);
      await writer.write(piece);
    }
    const complete = withLength(job, writer.bytes);
    await counted.finish(writer.bytes);
    await writer.finish(complete.request);
    return complete;
  } catch (error) {
    await writer.discard().catch(() => undefined);
    await counted.drop();
    throw error instanceof PayloadLostError
      ? new AsyncError('store-unavailable', { detail: 'The job store lost a part of the request body.' })
      : error;
  }
}

function withLength<Job extends ReceivedJob>(job: Job, bytes: number): Job {
  const headers = job.request.headers.filter(([name]) => name !== 'content-length');
  return {
    ...job,
    storedBytes: bytes,
    request: { ...job.request, headers: [...headers, ['content-length', String(bytes)]] },
  };
}
