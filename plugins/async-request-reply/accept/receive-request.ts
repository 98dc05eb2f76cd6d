// Stores a request's body in Redis while it arrives, before its job is created. If that fails, what was stored is deleted.
import { AsyncError } from '../errors/async-error';
import type { NewJob } from '../jobs/new-job';
import type { JobPayloads } from '../jobs/job-payloads';
import { PayloadLostError } from '../payloads/payload-errors';
import type { UploadBytes } from './upload-bytes';
import type { PayloadOptions } from '../payloads/payload-writer';

/** What has to be known of a job while its body arrives. */
export type ReceivedJob = Pick<NewJob, 'id' | 'queue' | 'openTtlMs' | 'request' | 'key'>;

export interface Upload {
  readonly body: AsyncIterable<Buffer>;
  /** The declared length, if any. */
  readonly length: number | undefined;
  readonly maxBytes: number;
}

interface ReceiveDeps {
  readonly payloads: JobPayloads;
  /** Has begun. */
  readonly counted: UploadBytes;
  /** Executes each write; receiving rejects with its errors. */
  readonly persist: NonNullable<PayloadOptions['persist']>;
}

/**
 * @returns the job with its length stated.
 * @throws AsyncError `body-too-large`; `queue-full` if the queue may not store so many bytes; `store-unavailable` if Redis
 *   lost a part; and the errors of `upload.body`.
 */
export async function receiveRequest<Job extends ReceivedJob>(
  job: Job,
  upload: Upload,
  { payloads, counted, persist }: ReceiveDeps,
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

/** States the length of the body. A request without a body and without a declared length gets none (RFC 9110, 8.6). */
function withLength<Job extends ReceivedJob>(job: Job, bytes: number): Job {
  const declared = job.request.headers.find(([name]) => name === 'content-length')?.[1];
  if (declared !== undefined && Number(declared) !== bytes) {
    // Kong removes a Content-Length that Connection names, and with it the content.
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
