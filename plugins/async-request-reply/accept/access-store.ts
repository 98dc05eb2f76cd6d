// The access side's hold on one Redis: accepts jobs in the order that loses none, and takes back what it could
// not finish.
import { AsyncError } from '../errors/async-error';
import { publishControl } from '../queue/queue-registry';
import { QueueRegistrar } from '../queue/queue-registrar';
import { isSettled, type JobRecord } from '../jobs/job-record';
import { QueueIndex } from '../queue/queue-index';
import { Schedulers } from '../queue/schedulers';
import { reopenJob } from '../queue/reopen-job';
import { PendingRollbacks, type PendingRollback } from './pending-rollbacks';
import { acceptIdempotent, withId, type IdempotentSteps } from './accept-idempotent';
import { IdempotencyStore, type Claim } from '../queue/idempotency-store';
import type { NewJob } from '../jobs/new-job';
import type { CancelOutcome } from '../jobs/job-outcomes';
import { JobStore } from '../jobs/job-store';
import type { NamedSettings } from '../jobs/job-settings';
import type { WaitingRequests, WaitEnd } from '../waiting/waiting-requests';
import { JobWriter, tooLate, type Admission, type CreatedJob } from './job-writer';
import { settledChannel } from '../redis/keys';
import { RedisProbe } from '../redis/redis-probe';
import { whenReady, withinTimeLimit } from '../redis/redis-client';
import type { ScriptedRedis } from '../redis/scripts';
import type { SettleSignals } from '../waiting/settle-signals';
import { StorageQuota } from '../queue/storage-quota';
import { Uploads } from './uploads';

export type Acceptance =
  | CreatedJob
  /** The same request was accepted before, under the same idempotency key. */
  | { readonly kind: 'repeat'; readonly record: JobRecord };

/** What holds requests, and tells of settled jobs. */
export interface Waiting {
  /** Of the whole process. */
  readonly requests: WaitingRequests;
  readonly signals: SettleSignals;
}

const notCreated = (why: 'duplicate' | 'too-late'): AsyncError =>
  why === 'too-late'
    ? tooLate()
    : new AsyncError('internal-error', { detail: 'The job ID is taken. Send the request again.' });

export class AccessStore {
  readonly jobs: JobStore;
  /** Bodies that come before their job. */
  readonly uploads: Uploads;
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;
  readonly #timeLimitMs: number;
  readonly #index: QueueIndex;
  readonly #waiting: Waiting | undefined;
  readonly #probe: RedisProbe;
  readonly #claims: IdempotencyStore;
  readonly #writer: JobWriter;
  readonly #schedulers: Schedulers;
  readonly #registrar: QueueRegistrar;
  readonly #rollbacks = new PendingRollbacks((submit) => this.#rollBack(submit));

  /** @param waiting for requests that are held; without it none is. */
  constructor(redis: ScriptedRedis, prefix: string, timeLimitMs: number, waiting?: Waiting) {
    this.#waiting = waiting;
    this.#redis = redis;
    this.#prefix = prefix;
    this.#timeLimitMs = timeLimitMs;
    this.jobs = new JobStore(redis, prefix);
    this.#index = new QueueIndex(redis, prefix);
    this.uploads = new Uploads({
      jobs: this.jobs,
      index: this.#index,
      quota: new StorageQuota(redis, prefix),
      query: (work) => this.query(work),
    });
    this.#schedulers = new Schedulers(redis, prefix);
    this.#registrar = new QueueRegistrar(redis, prefix);
    this.#probe = new RedisProbe(redis, timeLimitMs);
    this.#claims = new IdempotencyStore(redis, prefix);
    this.#writer = new JobWriter({
      redis,
      prefix,
      timeLimitMs,
      jobs: this.jobs,
      index: this.#index,
      scheduler: (queue) => this.#schedulers.of(queue),
      registerQueue: (job, settings) => this.#registrar.registerWhenDue(job, settings),
      rollBack: (submit) => this.#rollBack(submit),
    });
  }

  /**
   * Runs a read of the store within the time limit.
   *
   * @throws AsyncError `store-unavailable` or `store-full`.
   */
  read<T>(work: (jobs: JobStore) => Promise<T>): Promise<T> {
    return withinTimeLimit(this.#timeLimitMs, async () => {
      await whenReady(this.#redis);
      return work(this.jobs);
    });
  }

  /** Like {@link read}, for what is not in the records. */
  query<T>(work: (redis: ScriptedRedis, prefix: string) => Promise<T>): Promise<T> {
    return withinTimeLimit(this.#timeLimitMs, async () => {
      await whenReady(this.#redis);
      return work(this.#redis, this.#prefix);
    });
  }

  /**
   * Holds a request until the job settles, at most for `limitMs`. Nothing is asked of Redis meanwhile: the settling itself
   * ends the hold. Redis is looked at once when messages are sure to come, and again after each time they were not.
   */
  async waitForSettle(
    { id, queue }: Pick<JobRecord, 'id' | 'queue'>,
    limitMs: number,
    maxWaiting: number,
  ): Promise<WaitEnd> {
    if (this.#waiting === undefined) {
      return 'rejected';
    }
    const { requests: requests, signals } = this.#waiting;
    return requests.wait(limitMs, { queue, maxWaiting: maxWaiting }, (onSettled) =>
      signals.listen(settledChannel(this.#prefix, id), {
        settled: onSettled,
        listening: () => {
          this.read((jobs) => jobs.read(id)).then(
            (job) => {
              if (job === undefined || isSettled(job.state)) {
                onSettled();
              }
            },
            () => undefined, // Redis went again: when it is back there is another look.
          );
        },
      }),
    );
  }

  /** Makes a queue known to the workers. Failure is harmless: the next accept announces it again. */
  registerQueue(queue: string, settings: NamedSettings, lifeMs: number): Promise<void> {
    return this.#registrar.register(queue, settings, lifeMs);
  }

  /**
   * Accepts a job: first its place in the queue, then request and record, then the scheduler. When this resolves
   * the job is durable. When it rejects, the job does not run, or is cancelled as soon as Redis is back.
   *
   * @param claim the idempotency key that the request came under: a repeat gets the job that there is.
   * @throws AsyncError `queue-full`, `too-many-jobs`, `store-unavailable` or `store-full`, within the time limit; with
   *   a claim also `idempotency-key-reused` or `gone`.
   */
  async accept(
    job: NewJob,
    settings: NamedSettings,
    admission: Admission,
    claim?: Claim,
  ): Promise<Acceptance> {
    let written: PendingRollback | undefined;
    try {
      return await withinTimeLimit(this.#timeLimitMs, async (isOver) => {
        await whenReady(this.#redis);
        // The client has its 503, and nothing has been written that could be taken back.
        if (isOver()) {
          throw tooLate();
        }
        if (claim !== undefined) {
          const mayHaveWritten = (id: string | undefined): void => {
            written = id === undefined ? undefined : { ...job, id, claimKey: claim.key };
          };
          return await this.#acceptIdempotent(job, settings, admission, claim, { isOver, mayHaveWritten });
        }
        written = job;
        const created = await this.#writer.create(job, settings, admission, isOver);
        if (created.kind === 'created') {
          return created;
        }
        // Nothing was written, or whoever has the ID is not to be taken back for it.
        written = created.kind === 'too-late' ? job : undefined;
        throw created.kind === 'refused' ? created.error : notCreated(created.kind);
      });
    } catch (error) {
      if (written !== undefined) {
        this.#rollbacks.add(written);
      }
      throw error;
    }
  }

  async #acceptIdempotent(
    job: NewJob,
    settings: NamedSettings,
    admission: Admission,
    claim: Claim,
    watch: Pick<IdempotentSteps<unknown>, 'isOver' | 'mayHaveWritten'>,
  ): Promise<Acceptance> {
    const outcome = await acceptIdempotent(this.#claims, job, claim, {
      ...watch,
      create: async (id, isAdopted) => {
        const idempotency = { claimKey: claim.key, ttlMs: claim.ttlMs, isAdopted };
        const created = await this.#writer.create(
          { ...withId(job, id), idempotency },
          settings,
          admission,
          watch.isOver,
        );
        if (created.kind === 'refused' || created.kind === 'too-late') {
          throw created.kind === 'refused' ? created.error : tooLate();
        }
        return created.kind === 'created' ? created : undefined;
      },
    });
    if (outcome.kind === 'created') {
      return outcome.created;
    }
    const { record } = outcome;
    if (admission.minReplicas > 0) {
      await this.#writer.replicated(record, admission.minReplicas);
    }
    await this.#reopen(record);
    return outcome;
  }

  async #reopen(record: JobRecord): Promise<void> {
    const { redis, prefix, index } = { redis: this.#redis, prefix: this.#prefix, index: this.#index };
    await reopenJob({ redis, prefix, index, scheduler: (queue) => this.#schedulers.of(queue) }, record);
  }

  /**
   * Cancels a job: one that waits settles at once and leaves the queue, one that runs is ended by its worker, which
   * is told on the control channel and finds the mark at its next renewal at the latest.
   */
  async cancel(job: Pick<JobRecord, 'id' | 'queue' | 'owner'>): Promise<CancelOutcome> {
    return this.read(async (jobs) => {
      const outcome = await jobs.cancel(job.id);
      if (outcome.kind === 'settled-now') {
        await this.#schedulers.of(job.queue).remove(job.id);
        await this.#index.removeJob(job.queue, job.id, outcome);
      } else if (outcome.kind === 'cancelling') {
        await publishControl(this.#redis, this.#prefix, { kind: 'cancel', id: job.id });
      }
      return outcome;
    });
  }

  /**
   * Settles a job that its deadline has ended though no worker has said so yet, and schedules one that waits and that its queue
   * does not know.
   *
   * @returns its record as it then is.
   */
  async examine({ id, queue }: Pick<JobRecord, 'id' | 'queue'>): Promise<JobRecord | undefined> {
    return this.read(async (jobs) => {
      const outcome = await jobs.examine(id);
      if (outcome.kind === 'settled-now') {
        await this.#schedulers.of(queue).remove(id);
        await this.#index.removeJob(queue, id, outcome);
      }
      const record = await jobs.read(id);
      if (outcome.kind === 'open' && record !== undefined) {
        await this.#reopen(record);
      }
      return record;
    });
  }

  /** Cancels what a failed submit may have written, and takes it out of the queue. */
  async #rollBack({ id, queue, owner, claimKey }: PendingRollback): Promise<void> {
    await withinTimeLimit(this.#timeLimitMs, async () => {
      await whenReady(this.#redis);
      const outcome = await this.jobs.rollBack(id, claimKey !== undefined);
      if (outcome.kind === 'kept') {
        return;
      }
      if (claimKey !== undefined) {
        await this.#claims.release(queue, claimKey, id);
      }
      await this.#schedulers.of(queue).remove(id);
      // What has begun is counted when it ends.
      const hasBegun = outcome.kind === 'cancelling' || outcome.kind === 'already-settled';
      await this.#index.removeJob(queue, id, {
        owner,
        dead: false,
        expiresAt: 0,
        ...(!hasBegun && { bytes: 0 }),
      });
    });
  }

  /** Whether Redis answers, within the time limit. */
  answers(): Promise<boolean> {
    return this.#probe.answers();
  }

  /** Submits that are waiting to be taken back: for health reports and tests. */
  get pendingRollbackCount(): number {
    return this.#rollbacks.size;
  }

  async close(): Promise<void> {
    this.#rollbacks.close();
    await this.#schedulers.close();
    this.#redis.disconnect();
  }
}
