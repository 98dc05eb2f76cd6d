// Request bodies that are received into Redis before their job is there: the handoff lane's way in.
import type { AsyncError } from '../errors/async-error';
import type { JobRecord } from '../jobs/job-record';
import type { NewJob } from '../jobs/new-job';
import { receiveRequest, type ReceivedJob, type Upload } from './receive-request';
import { slotError } from './admission-errors';
import { queryStore, type StoreContext } from './store-context';
import { UploadBytes } from './upload-bytes';
import type { Admission } from './write-job';

/** What a request that is about to be received comes to. */
export interface Expectation {
  readonly record: JobRecord | undefined;
  readonly rejection: AsyncError | undefined;
}

export class Uploads {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Looks at what a request that is about to be received comes to: the job that has its ID already, or a queue that is
   * full. The reservation has the last word on that. One round trip on one node.
   *
   * @throws AsyncError `store-unavailable`
   */
  async expect(job: ReceivedJob, maxWaiting: number): Promise<Expectation> {
    const { jobs, index } = this.#context;
    const [record, slots] = await queryStore(this.#context, () =>
      Promise.all([jobs.read(job.id), index.checkSlots(job.queue, maxWaiting)]),
    );
    return { record, rejection: slots === 'free' ? undefined : slotError(slots, maxWaiting) };
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
    const { jobs, quota } = this.#context;
    const { id, queue } = job;
    const persist = <T>(write: () => Promise<T>): Promise<T> => queryStore(this.#context, write);
    const counted = new UploadBytes({
      reserve: (bytes, lifeMs) => persist(() => quota.reserve(queue, id, bytes, maxStoredBytes, lifeMs)),
      drop: () => persist(() => quota.shrink(queue, id, 0)),
    });
    await counted.begin(upload.length ?? 0);
    return receiveRequest(job, upload, { payloads: jobs.payloads, counted, persist });
  }

  /** Removes a received body that no job came of. */
  async discard({ id, queue }: Pick<NewJob, 'id' | 'queue'>): Promise<void> {
    const { jobs, quota } = this.#context;
    await queryStore(this.#context, () => jobs.payloads.dropRequest(id));
    await queryStore(this.#context, () => quota.shrink(queue, id, 0));
  }
}
