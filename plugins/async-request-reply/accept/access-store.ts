// The store as the access side uses it: accepts jobs, reads, cancels and waits for them in one Redis, each within the time limit of
// a request. Access code calls these methods and never the connection.
import type { CancelOutcome } from '../jobs/job-outcomes';
import type { JobRecord } from '../jobs/job-record';
import type { NamedSettings } from '../jobs/job-settings';
import type { JobStore } from '../jobs/job-store';
import type { NewJob } from '../jobs/new-job';
import { consumeToken, type ConsumeOutcome } from '../loopback/consume-token';
import type { LoopbackToken } from '../loopback/loopback-token';
import type { Claim } from '../queue/idempotency-store';
import type { QueueProgress } from '../queue/queue-outcomes';
import { readQueueProgress, recordPoll } from '../queue/queue-progress';
import type { KeySpace } from '../redis/keys';
import { RedisProbe } from '../redis/redis-probe';
import type { RedisClient } from '../redis/redis-client';
import type { WaitEnd } from '../waiting/waiting-requests';
import { JobAcceptor, type Acceptance } from './job-acceptor';
import { cancelJob, examineJob } from './job-control';
import { PendingRollbacks } from './pending-rollbacks';
import { rollBack } from './roll-back';
import { queryStore, storeContext, type StoreContext } from './store-context';
import { Uploads } from './uploads';
import { waitForSettle, type Waiting } from './wait-for-settle';
import type { Admission } from './write-job';

export class AccessStore {
  /** Without the time limit: for what runs in a {@link read}. */
  readonly jobs: JobStore;
  /** Request bodies that are received before their job is created. */
  readonly uploads: Uploads;
  readonly #context: StoreContext;
  readonly #waiting: Waiting | undefined;
  readonly #probe: RedisProbe;
  readonly #rollbacks: PendingRollbacks;

  /** @param waiting for requests that wait for their job; without it none waits. */
  constructor(redis: RedisClient, keys: KeySpace, timeLimitMs: number, waiting?: Waiting) {
    const context = storeContext(redis, keys, timeLimitMs);
    this.#context = context;
    this.#waiting = waiting;
    this.#probe = new RedisProbe(redis, timeLimitMs);
    this.#rollbacks = new PendingRollbacks((pending) => rollBack(context, pending));
    this.jobs = context.jobs;
    this.uploads = new Uploads(context);
  }

  /**
   * Reads records or payloads.
   *
   * @throws AsyncError `store-unavailable` or `store-full`, as every method here.
   */
  read<T>(work: (jobs: JobStore) => Promise<T>): Promise<T> {
    return queryStore(this.#context, () => work(this.jobs));
  }

  /**
   * Accepts a job. When this resolves the job is durable. When it rejects, the job does not run, or is cancelled as soon as
   * Redis is back.
   *
   * @param claim the idempotency key that the request came under: a repeat gets the existing job.
   * @throws AsyncError `queue-full`, `too-many-jobs`, `store-unavailable` or `store-full`, within the time limit; with
   *   a claim also `idempotency-key-reused` or `gone`.
   */
  async accept(
    job: NewJob,
    settings: NamedSettings,
    admission: Admission,
    claim?: Claim,
  ): Promise<Acceptance> {
    const acceptor = new JobAcceptor(this.#context, { job, settings, admission, claim });
    try {
      return await queryStore(this.#context, (signal) => acceptor.accept(signal));
    } catch (error) {
      if (acceptor.toRollBack !== undefined) {
        this.#rollbacks.add(acceptor.toRollBack);
      }
      throw error;
    }
  }

  /** Registers a queue for the workers. A failure is harmless: the next accept registers it. */
  registerQueue(queue: string, settings: NamedSettings, lifeMs: number): Promise<void> {
    return this.#context.registrar.register(queue, settings, lifeMs);
  }

  /** Waits until the job settles, at most for `limitMs`: wait-for-settle.ts. */
  async waitForSettle(
    job: Pick<JobRecord, 'id' | 'queue'>,
    limitMs: number,
    maxWaiting: number,
  ): Promise<WaitEnd> {
    return this.#waiting === undefined
      ? 'rejected'
      : waitForSettle(this.#context, this.#waiting, job, { limitMs, maxWaiting });
  }

  /** Cancels a job: job-control.ts. */
  cancel(job: Pick<JobRecord, 'id' | 'queue'>): Promise<CancelOutcome> {
    return cancelJob(this.#context, job);
  }

  /** Settles a job whose deadline is over, or schedules it again: job-control.ts. @returns its record afterwards. */
  examine(job: Pick<JobRecord, 'id' | 'queue'>): Promise<JobRecord | undefined> {
    return examineJob(this.#context, job);
  }

  /** Returns the position of a waiting job and the pace of its queue. */
  queueProgress(job: Pick<JobRecord, 'id' | 'queue' | 'createdAt'>): Promise<QueueProgress> {
    const { redis, keys } = this.#context;
    return queryStore(this.#context, () => readQueueProgress(redis, keys, job));
  }

  /** Records a poll. @returns false if another one was recorded less than `intervalMs` ago. */
  recordPoll(id: string, intervalMs: number): Promise<boolean> {
    const { redis, keys } = this.#context;
    return queryStore(this.#context, () => recordPoll(redis, keys, id, intervalMs));
  }

  /** Consumes a loopback token whose signature has been verified. */
  consumeToken(token: LoopbackToken, maxLifeMs: number): Promise<ConsumeOutcome> {
    const { redis, keys } = this.#context;
    return queryStore(this.#context, () => consumeToken(redis, keys, token, maxLifeMs));
  }

  /**
   * Consumes the one read of a result.
   *
   * @param keepMs for how long the stored response is kept for the one who sends it; 0 deletes it.
   * @returns false if it was consumed before, or has gone.
   */
  consumeResult(id: string, result: string, keepMs: number): Promise<boolean> {
    return this.read((jobs) => jobs.consumeResult(id, result, keepMs));
  }

  /**
   * Counts what is left of a job after a part of it was deleted; 0 removes it from the count.
   *
   * @param withinMs when the rest expires at the latest.
   */
  shrinkUsage(job: Pick<JobRecord, 'id' | 'queue'>, bytes: number, withinMs?: number): Promise<void> {
    return queryStore(this.#context, () => this.#context.quota.shrink(job.queue, job.id, bytes, withinMs));
  }

  /** Whether Redis answers, within the time limit. */
  answers(): Promise<boolean> {
    return this.#probe.answers();
  }

  /** Accepts that failed and are still to be rolled back: for health reports and tests. */
  get pendingRollbackCount(): number {
    return this.#rollbacks.size;
  }

  async close(): Promise<void> {
    this.#rollbacks.close();
    await this.#context.schedulers.close();
    this.#context.redis.disconnect();
  }
}
