// Request bodies that are received into Redis before their job is there: the handoff lane's way in.
import type { AsyncError } from '../errors/async-error';
import type { JobRecord } from '../jobs/job-record';
import type { QueueIndex } from '../queue/queue-index';
import type { JobStore } from '../jobs/job-store';
import type { Admission } from './job-writer';
import type { NewJob } from '../jobs/new-job';
import { receiveRequest, type ReceivedJob, type Upload } from './receive-request';
import { slotError } from './admission-errors';
import type { StorageQuota } from '../queue/storage-quota';
import { UploadBytes } from './upload-bytes';

/** What a request that is about to be received comes to. */
export interface Expectation {
  readonly record: JobRecord | undefined;
  readonly rejection: AsyncError | undefined;
}

export interface UploadDeps {
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly quota: StorageQuota;
  /** Asks Redis, within the time limit. */
  readonly query: <T>(work: () => Promise<T>) => Promise<T>;
}

export class Uploads {
  readonly #deps: UploadDeps;

  constructor(deps: UploadDeps) {
    this.#deps = deps;
  }

  /**
   * Looks at what a request that is about to be received comes to: the job that has its ID already, or a queue that is
   * full. The reservation has the last word on that. One round trip on one node.
   *
   * @throws AsyncError `store-unavailable`
   */
  async expect(job: ReceivedJob, maxWaiting: number): Promise<Expectation> {
    const { jobs, index, query: query } = this.#deps;
    const [record, room] = await query(() =>
      Promise.all([jobs.read(job.id), index.checkSlots(job.queue, maxWaiting)]),
    );
    return { record, rejection: room === 'free' ? undefined : slotError(room, maxWaiting) };
  }

  /**
   * Receives a request's body before its job is accepted: as `stored`. Nothing is left of it where that fails.
   *
   * Each write has the time limit; an upload may take any time.
   *
   * @throws AsyncError `body-too-large`, `queue-full`, `store-unavailable` or `store-full`; and what `upload.body` fails with.
   */
  async receive<Job extends ReceivedJob>(
    job: Job,
    upload: Upload,
    { maxStoredBytes = 0 }: Pick<Admission, 'maxStoredBytes'>,
  ): Promise<Job> {
    const { jobs, quota: quota, query: query } = this.#deps;
    const { id, queue } = job;
    const counted = new UploadBytes({
      reserve: (bytes, lifeMs) => query(() => quota.reserve(queue, id, bytes, maxStoredBytes, lifeMs)),
      drop: () => query(() => quota.shrink(queue, id, 0)),
    });
    await counted.begin(upload.length ?? 0);
    return receiveRequest(jobs.payloads, job, upload, counted, query);
  }

  /** Removes a received body that no job came of. */
  async discard({ id, queue }: Pick<NewJob, 'id' | 'queue'>): Promise<void> {
    const { jobs, quota: quota, query: query } = this.#deps;
    await query(() => jobs.payloads.dropRequest(id));
    await query(() => quota.shrink(queue, id, 0));
  }
}
