// The access side's hold on one Redis: accepts jobs in the order that loses none, and takes back what it could
// not finish.
import type { Queue } from 'bullmq';
import { AsyncError } from '../errors/async-error';
import { announce, publishControl } from '../queue/announcement';
import { isSettled, type JobRecord } from '../jobs/job-record';
import { QueueIndex } from '../queue/queue-index';
import { openScheduler, schedule, type Schedule } from '../queue/scheduler';
import { AbandonedSubmits, type AbandonedSubmit } from './abandoned-submits';
import { JobStore, type CancelOutcome, type CreateOutcome, type NewJob } from './job-store';
import type { NamedSettings } from './job-settings';
import type { HeldRequests, HoldEnd } from './held-requests';
import { settledChannel } from './keys';
import { RedisProbe } from './redis-probe';
import { isCluster, whenReady, withinTimeLimit } from './redis-client';
import { refusedPlace } from './refused-place';
import { replicasHave } from './replicas-have';
import type { ScriptedRedis } from './scripts';
import type { SettleSignals } from './settle-signals';

export interface Acceptance {
  readonly createdAt: number;
}

/** What the queue allows, and what the caller asked of it. */
export interface Admission extends Pick<Schedule, 'priority'> {
  readonly maxWaiting: number;
  /** 0 is no limit. */
  readonly maxPerCaller: number;
  /** Replicas that must have the job before it counts as accepted. */
  readonly minReplicas: number;
}

/** What holds requests, and tells of settled jobs. */
export interface Waiting {
  /** Of the whole process. */
  readonly held: HeldRequests;
  readonly signals: SettleSignals;
}

/** An announcement is repeated by the first accept after this. */
const ANNOUNCE_EVERY_MS = 30_000;

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
interface WriteTerms {
  readonly at: Schedule;
  /** Time of the queue's node, in ms, after which the record is not written any more. */
  readonly latestAt: number;
  /** Waits for replicas. */
  readonly confirm: (() => Promise<void>) | undefined;
  readonly isOver: () => boolean;
}

const tooLate = (): AsyncError =>
  new AsyncError('store-unavailable', { detail: 'The job store came too late.', retryAfterSeconds: 5 });

const notCreated = (why: 'exists' | 'late'): AsyncError =>
  why === 'late'
    ? tooLate()
    : new AsyncError('internal-error', { detail: 'The job ID is taken. Send the request again.' });

export class AccessStore {
  readonly jobs: JobStore;
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;
  readonly #timeLimitMs: number;
  readonly #index: QueueIndex;
  readonly #waiting: Waiting | undefined;
  readonly #probe: RedisProbe;
  readonly #schedulers = new Map<string, Queue>();
  readonly #announcedAt = new Map<string, number>();
  readonly #abandoned = new AbandonedSubmits((submit) => this.#takeBack(submit));

  /** @param waiting for requests that are held; without it none is. */
  constructor(redis: ScriptedRedis, prefix: string, timeLimitMs: number, waiting?: Waiting) {
    this.#waiting = waiting;
    this.#redis = redis;
    this.#prefix = prefix;
    this.#timeLimitMs = timeLimitMs;
    this.jobs = new JobStore(redis, prefix);
    this.#index = new QueueIndex(redis, prefix);
    this.#probe = new RedisProbe(redis, timeLimitMs);
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
  ask<T>(work: (redis: ScriptedRedis, prefix: string) => Promise<T>): Promise<T> {
    return withinTimeLimit(this.#timeLimitMs, async () => {
      await whenReady(this.#redis);
      return work(this.#redis, this.#prefix);
    });
  }

  /**
   * Holds a request until the job settles, at most for `limitMs`. Nothing is asked of Redis meanwhile: the settling itself
   * ends the hold. Redis is looked at once when messages are sure to come, and again after each time they were not.
   */
  async hold(id: string, limitMs: number, maxHeld: number): Promise<HoldEnd> {
    if (this.#waiting === undefined) {
      return 'refused';
    }
    const { held, signals } = this.#waiting;
    return held.hold(limitMs, maxHeld, (onSettled) =>
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
  async announce(queue: string, settings: NamedSettings, lifeMs: number): Promise<void> {
    await whenReady(this.#redis);
    await announce(this.#redis, this.#prefix, queue, settings, lifeMs);
    this.#announcedAt.set(`${queue} ${settings.hash}`, performance.now());
  }

  /**
   * Accepts a job: first its place in the queue, then request and record, then the scheduler. When this resolves
   * the job is durable. When it rejects, the job does not run, or is cancelled as soon as Redis is back.
   *
   * @throws AsyncError `queue-full`, `too-many-jobs`, `store-unavailable` or `store-full`, within the time limit.
   */
  async accept(job: NewJob, settings: NamedSettings, admission: Admission): Promise<Acceptance> {
    let mayHaveWritten = false;
    const startedAt = performance.now();
    const createWithinMs = this.#timeLimitMs * CREATE_PART;
    try {
      return await withinTimeLimit(this.#timeLimitMs, async (isOver) => {
        await whenReady(this.#redis);
        // The client has its 503, and nothing has been written that could be taken back.
        if (isOver()) {
          throw new AsyncError('store-unavailable', { detail: 'The job store came too late.' });
        }
        mayHaveWritten = true;
        const [place] = await Promise.all([
          this.#index.reserve({ ...job, ...admission, lifeMs: job.openTtlMs }),
          this.#announceWhenDue(job, settings),
        ]);
        if (place.kind !== 'reserved') {
          mayHaveWritten = false;
          throw refusedPlace(place, admission.maxWaiting);
        }
        const { minReplicas } = admission;
        const confirm = async (): Promise<void> => {
          await this.#replicated(job, minReplicas);
          if (isOver()) {
            throw tooLate();
          }
        };
        const created = await this.#write(job, {
          at: { turn: place.turn, priority: admission.priority, delayMs: job.delayMs },
          latestAt: place.at + createWithinMs - (performance.now() - startedAt),
          confirm: minReplicas > 0 ? confirm : undefined,
          isOver,
        });
        if (created.kind !== 'created') {
          // Whoever has the ID is not to be taken back for it.
          mayHaveWritten = created.kind === 'late';
          throw notCreated(created.kind);
        }
        return { createdAt: created.createdAt };
      });
    } catch (error) {
      if (mayHaveWritten) {
        this.#abandoned.add(job);
      }
      throw error;
    }
  }

  /**
   * One round trip on one node: the commands leave together on one connection, the record before the others. On a
   * Cluster the record is waited for, since the scheduler is on another node. So are replicas, a round trip more: what
   * too few of them have is refused, and must not run.
   */
  async #write(job: NewJob, terms: WriteTerms): Promise<CreateOutcome> {
    const onCluster = isCluster(this.#redis);
    const creating = this.jobs.create(job, {
      // The nodes of a Cluster have clocks of their own.
      latestAt: onCluster ? 0 : terms.latestAt,
      confirmMs: terms.confirm ? CONFIRMING_LIMITS * this.#timeLimitMs : 0,
    });
    if (onCluster) {
      const created = await creating;
      if (created.kind !== 'created' || terms.isOver()) {
        return created.kind === 'created' ? { kind: 'late' } : created;
      }
    }
    const entering = this.#index.enter(job.queue, job.id, job.owner, job.deadlineMs, job.openTtlMs);
    if (terms.confirm !== undefined) {
      await Promise.all([creating, entering]);
      await terms.confirm();
    }
    const [created] = await Promise.all([
      creating,
      entering,
      schedule(this.#scheduler(job.queue), job.id, terms.at),
    ]);
    return created;
  }

  /** Waits until enough replicas have the job. @throws AsyncError `store-unavailable`, and then it is taken back. */
  async #replicated(job: NewJob, minReplicas: number): Promise<void> {
    const limitMs = this.#timeLimitMs * REPLICATION_PART;
    if (await replicasHave(this.#redis, this.#prefix, job, { minReplicas, limitMs })) {
      return;
    }
    // At once, so that nothing is left of it when the client has its answer; where this fails it is tried again.
    await this.#takeBack(job).catch(() => undefined);
    throw new AsyncError('store-unavailable', {
      detail: 'Too few replicas of the job store have the job. It was not accepted; try again later.',
      retryAfterSeconds: 5,
    });
  }

  /**
   * Cancels a job: one that waits settles at once and leaves the queue, one that runs is ended by its worker, which
   * is told on the control channel and finds the mark at its next renewal at the latest.
   */
  async cancel(job: Pick<JobRecord, 'id' | 'queue' | 'owner'>): Promise<CancelOutcome> {
    return this.read(async (jobs) => {
      const outcome = await jobs.cancel(job.id);
      if (outcome.kind === 'closed') {
        await this.#scheduler(job.queue).remove(job.id);
        await this.#index.leave(job.queue, job.id, outcome);
      } else if (outcome.kind === 'cancelling') {
        await publishControl(this.#redis, this.#prefix, { kind: 'cancel', id: job.id });
      }
      return outcome;
    });
  }

  async #announceWhenDue(job: NewJob, settings: NamedSettings): Promise<void> {
    const last = this.#announcedAt.get(`${job.queue} ${settings.hash}`);
    if (last === undefined || performance.now() - last > ANNOUNCE_EVERY_MS) {
      await this.announce(job.queue, settings, job.openTtlMs + 2 * ANNOUNCE_EVERY_MS);
    }
  }

  #scheduler(queue: string): Queue {
    let scheduler = this.#schedulers.get(queue);
    if (scheduler === undefined) {
      scheduler = openScheduler(this.#redis, this.#prefix, queue);
      // A queue that could not say hello to Redis stays unusable: the next accept opens another.
      const forget = (): boolean => this.#schedulers.delete(queue);
      scheduler.on('error', () => undefined);
      scheduler.waitUntilReady().catch(forget);
      this.#schedulers.set(queue, scheduler);
    }
    return scheduler;
  }

  /**
   * Settles a job that its deadline has ended though no worker has said so yet.
   *
   * @returns its record as it then is.
   */
  async examine({ id, queue }: Pick<JobRecord, 'id' | 'queue'>): Promise<JobRecord | undefined> {
    return this.read(async (jobs) => {
      const outcome = await jobs.examine(id);
      if (outcome.kind === 'closed') {
        await this.#scheduler(queue).remove(id);
        await this.#index.leave(queue, id, outcome);
      }
      return jobs.read(id);
    });
  }

  /** Cancels what a failed submit may have written, and takes it out of the queue. */
  async #takeBack({ id, queue, owner }: AbandonedSubmit): Promise<void> {
    await withinTimeLimit(this.#timeLimitMs, async () => {
      await whenReady(this.#redis);
      await this.jobs.abandon(id);
      await this.#scheduler(queue).remove(id);
      await this.#index.forget(queue, id, owner);
    });
  }

  /** Whether Redis answers, within the time limit. */
  answers(): Promise<boolean> {
    return this.#probe.answers();
  }

  /** Submits that are waiting to be taken back: for health reports and tests. */
  get abandonedCount(): number {
    return this.#abandoned.size;
  }

  async close(): Promise<void> {
    this.#abandoned.close();
    await Promise.allSettled([...this.#schedulers.values()].map((scheduler) => scheduler.close()));
    this.#schedulers.clear();
    this.#redis.disconnect();
  }
}
