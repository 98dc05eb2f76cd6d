// Receives request bodies into Redis before their job is created, on the handoff path.
import type { AsyncError } from '../errors/async-error';
import type { JobRecord } from '../jobs/job-record';
import type { NewJob } from '../jobs/new-job';
import { receiveRequest, type ReceivedJob, type Upload } from './receive-request';
import { slotError } from './admission-errors';
import { queryStore, type StoreContext } from './store-context';
import { UploadBytes } from './upload-bytes';
import type { Admission } from './write-job';

/** What is known of a request before its body is received. */
interface Expectation {
  /** The job that already has its ID. */
  readonly record: JobRecord | undefined;
  /** The queue has no free slot. */
  readonly rejection: AsyncError | undefined;
}

export class Uploads {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Checks, before a request's body is received, whether a job already has its ID, and whether its queue is full. Only the
   * reservation of a slot decides the latter. One round trip on one node.
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
   * Receives a request's body before its job is accepted with the body `stored`. If that fails, what was stored is deleted.
   * Each write has the time limit; the upload itself has none.
   *
   * @throws AsyncError `body-too-large`, `queue-full`, `store-unavailable` or `store-full`; and the errors of
   *   `upload.body`.
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
      reserve: (bytes, lifeMs) =>
        persist(() => quota.reserve(queue, id, { bytes, maxBytes: maxStoredBytes, lifeMs })),
      drop: () => persist(() => quota.shrink(queue, id, 0)),
    });
    await counted.begin(upload.length ?? 0);
    return receiveRequest(job, upload, { payloads: jobs.payloads, counted, persist });
  }

  /** Deletes a received body whose job was not created. */
  async discard({ id, queue }: Pick<NewJob, 'id' | 'queue'>): Promise<void> {
    const { jobs, quota } = this.#context;
    await queryStore(this.#context, () => jobs.payloads.dropRequest(id));
    await queryStore(this.#context, () => quota.shrink(queue, id, 0));
  }
}
