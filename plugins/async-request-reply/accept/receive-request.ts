// Receives a request's body into Redis while it comes in, before the job is there. Nothing is left where that fails.
import { AsyncError } from '../errors/async-error';
import type { NewJob } from '../jobs/new-job';
import type { JobPayloads } from '../jobs/job-payloads';
import { PayloadLostError } from '../payloads/payload-errors';
import type { UploadBytes } from './upload-bytes';
import type { PayloadOptions } from '../payloads/payload-writer';

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
 * @param persist carries each write out: its errors are the caller's.
 * @returns the job with its length stated.
 * @throws AsyncError `body-too-large`; `queue-full` where its queue has no room for it; `store-unavailable` where Redis lost a part; and whatever `upload.body` fails with.
 */
export async function receiveRequest<Job extends ReceivedJob>(
  payloads: JobPayloads,
  job: Job,
  upload: Upload,
  counted: UploadBytes,
  persist: NonNullable<PayloadOptions['persist']>,
): Promise<Job> {
  const writer = payloads.writeRequest(job, persist);
  try {
    for await (const piece of upload.body) {
      const bytes = writer.bytes + piece.length;
      if (bytes > upload.maxBytes) {
        throw new AsyncError('body-too-large', {
          detail: `The request body is over the limit of ${String(upload.maxBytes)} bytes of this route.`,
        });
      }
      await counted.grow(bytes);
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

/** A request that has no body, and says no length, gets none (RFC 9110, 8.6). */
function withLength<Job extends ReceivedJob>(job: Job, bytes: number): Job {
  const declared = job.request.headers.find(([name]) => name === 'content-length')?.[1];
  if (declared !== undefined && Number(declared) !== bytes) {
    // Kong drops a length that Connection names, and the content with it.
    throw new AsyncError('invalid-header', {
      detail: 'The content that arrived is not of the length that the request states.',
    });
  }
  if (bytes === 0 && declared === undefined) {
    return { ...job, storedBytes: 0 };
  }
  const headers = job.request.headers.filter(([name]) => name !== 'content-length');
  return {
    ...job,
    storedBytes: bytes,
    request: { ...job.request, headers: [...headers, ['content-length', String(bytes)]] },
  };
}
