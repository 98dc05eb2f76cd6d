// Writes a job in the order that loses none: its place in the queue, then request and record, then the scheduler.
import type { Queue } from 'bullmq';
import { AsyncError } from '../errors/async-error';
import type { QueueIndex } from '../queue/queue-index';
import { schedule, type Schedule } from '../queue/scheduler';
import type { PendingRollback } from './pending-rollbacks';
import type { NamedSettings } from '../jobs/job-settings';
import { requestBytes, type NewJob } from '../jobs/new-job';
import type { CreateOutcome } from '../jobs/job-outcomes';
import type { JobStore } from '../jobs/job-store';
import { isCluster } from '../redis/redis-client';
import { slotError } from './admission-errors';
import { waitForReplicas } from '../redis/wait-for-replicas';
import type { ScriptedRedis } from '../redis/scripts';

/** What the queue allows, and what the caller asked of it. */
export interface Admission extends Pick<Schedule, 'priority'> {
  readonly maxWaiting: number;
  /** 0 is no limit. */
  readonly maxPerCaller: number;
  /** Of the bodies that the queue stores; absent or 0: no limit. */
  readonly maxStoredBytes?: number;
  /** Replicas that must have the job before it counts as accepted. */
  readonly minReplicas: number;
}

export interface CreatedJob {
  readonly kind: 'created';
  readonly id: string;
  /** By the clock of Redis, in milliseconds since 1970. */
  readonly createdAt: number;
  /** For how long from then on no job of its queue starts. */
  readonly pausedMs: number;
}

export type CreateJobOutcome =
  | CreatedJob
  /** `exists`: there is a record, or a tombstone, with this ID. `late`: nothing was written. */
  | { readonly kind: 'duplicate' | 'too-late' }
  | { readonly kind: 'refused'; readonly error: AsyncError };

export interface JobWriterDeps {
  readonly redis: ScriptedRedis;
  readonly prefix: string;
  readonly timeLimitMs: number;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly scheduler: (queue: string) => Queue;
  /** Announces the queue where that is due. */
  readonly registerQueue: (job: NewJob, settings: NamedSettings) => Promise<void>;
  readonly rollBack: (submit: PendingRollback) => Promise<void>;
}

/**
 * For so many time limits no sweep schedules a job whose replicas are waited for: by then it is accepted, or taken back.
 */
const CONFIRMING_LIMITS = 5;

/**
 * Part of the time limit after which Redis creates no record any more. What waited in front of a Redis that stood still
 * is refused there; the rest of the limit is for its answer to arrive, so that a 503 seldom hides a job that was made.
 */
const CREATE_PART = 0.75;

/** Part of the time limit that replicas get: after it there is still time for the answer. */
const REPLICATION_PART = 0.5;

/** What `#write` has to know of a job beside the job. */
interface WriteOptions {
  readonly at: Schedule;
  /** Time of the queue's node, in ms, after which the record is not written any more. */
  readonly latestAt: number;
  /** Waits for replicas. */
  readonly confirm: (() => Promise<void>) | undefined;
  readonly isOver: () => boolean;
}

export const tooLate = (): AsyncError =>
  new AsyncError('store-unavailable', { detail: 'The job store came too late.', retryAfterSeconds: 5 });

export class JobWriter {
  readonly #deps: JobWriterDeps;

  constructor(deps: JobWriterDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a job, or says why there is none.
   *
   * @param isOver whether the client has its 503.
   * @throws what Redis throws, and `store-unavailable`: something may have been written.
   */
  async create(
    job: NewJob,
    settings: NamedSettings,
    admission: Admission,
    isOver: () => boolean,
  ): Promise<CreateJobOutcome> {
    const { index, registerQueue: registerQueue, timeLimitMs } = this.#deps;
    const startedAt = performance.now();
    const [place] = await Promise.all([
      index.reserve({ ...job, ...admission, lifeMs: job.openTtlMs, bytes: requestBytes(job) }),
      registerQueue(job, settings),
    ]);
    if (place.kind !== 'reserved') {
      return { kind: 'refused', error: slotError(place, admission.maxWaiting) };
    }
    const { minReplicas } = admission;
    const created = await this.#write(job, {
      at: { rank: place.rank, priority: admission.priority, delayMs: job.delayMs },
      latestAt: place.at + timeLimitMs * CREATE_PART - (performance.now() - startedAt),
      confirm: minReplicas > 0 ? () => this.#confirm(job, minReplicas, isOver) : undefined,
      isOver,
    });
    return created.kind === 'created'
      ? { kind: 'created', id: job.id, createdAt: created.createdAt, pausedMs: place.pausedMs }
      : { kind: created.kind };
  }

  /** A job that was made for somebody else's claim is not taken back for want of replicas: he may be told of it. */
  async #confirm(job: NewJob, minReplicas: number, isOver: () => boolean): Promise<void> {
    const written = { ...job, claimKey: job.idempotency?.claimKey };
    await this.replicated(job, minReplicas, job.idempotency?.isAdopted === true ? undefined : written);
    if (isOver()) {
      throw tooLate();
    }
  }

  /**
   * One round trip on one node: the commands leave together on one connection, the record before the others. On a
   * Cluster the record is waited for, since the scheduler is on another node. So are replicas, a round trip more: what
   * too few of them have is refused, and must not run.
   */
  async #write(job: NewJob, options: WriteOptions): Promise<CreateOutcome> {
    const { redis, jobs, index, timeLimitMs, scheduler } = this.#deps;
    const onCluster = isCluster(redis);
    const creating = jobs.create(job, {
      // The nodes of a Cluster have clocks of their own.
      latestAt: onCluster ? 0 : options.latestAt,
      confirmMs: options.confirm ? CONFIRMING_LIMITS * timeLimitMs : 0,
    });
    if (onCluster) {
      const created = await creating;
      if (created.kind !== 'created' || options.isOver()) {
        return created.kind === 'created' ? { kind: 'too-late' } : created;
      }
    }
    const adding = index.addJob(
      job.queue,
      job.id,
      job.owner,
      job.deadlineMs,
      job.openTtlMs,
      job.callback !== undefined,
      requestBytes(job),
    );
    if (options.confirm !== undefined) {
      await Promise.all([creating, adding]);
      await options.confirm();
    }
    const [created] = await Promise.all([
      creating,
      adding,
      schedule(scheduler(job.queue), job.id, options.at),
    ]);
    return created;
  }

  /**
   * Waits until enough replicas have what was written: for the job's node and for its queue's.
   *
   * @param written what is to be taken back where they do not.
   * @throws AsyncError `store-unavailable`
   */
  async replicated(
    job: Pick<NewJob, 'id' | 'queue'>,
    minReplicas: number,
    written?: PendingRollback,
  ): Promise<void> {
    const { redis, prefix, timeLimitMs, rollBack: rollBack } = this.#deps;
    if (await waitForReplicas(redis, prefix, job, { minReplicas, limitMs: timeLimitMs * REPLICATION_PART })) {
      return;
    }
    // At once, so that nothing is left of it when the client has its answer; where this fails it is tried again.
    await (written && rollBack(written).catch(() => undefined));
    throw new AsyncError('store-unavailable', {
      detail: 'Too few replicas of the job store have the job. It was not accepted; try again later.',
      retryAfterSeconds: 5,
    });
  }
}
