// The access side's hold on one Redis: accepts jobs in the order that loses none, and takes back what it could
// not finish.
import type { Queue } from 'bullmq';
import { AsyncError } from '../errors/async-error';
import { announce, publishControl } from '../queue/announcement';
import type { JobRecord } from '../jobs/job-record';
import { QueueIndex, type PlaceOutcome } from '../queue/queue-index';
import { openScheduler, schedule, type Schedule } from '../queue/scheduler';
import { JobStore, type CancelOutcome, type NewJob } from './job-store';
import type { NamedSettings } from './job-settings';
import { whenReady, withinTimeLimit } from './redis-client';
import type { ScriptedRedis } from './scripts';

export interface Acceptance {
  readonly createdAt: number;
}

/** What the queue allows, and what the caller asked of it. */
export interface Admission extends Pick<Schedule, 'priority' | 'delayMs'> {
  readonly maxWaiting: number;
  /** 0 is no limit. */
  readonly maxPerCaller: number;
}

/** An announcement is repeated by the first accept after this. */
const ANNOUNCE_EVERY_MS = 30_000;

/** Submits to take back that are remembered while Redis is away; more are left to the caps and TTLs in Redis. */
const MAX_ABANDONED = 10_000;

const ABANDON_RETRY_MS = 500;

export class AccessStore {
  readonly jobs: JobStore;
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;
  readonly #timeLimitMs: number;
  readonly #index: QueueIndex;
  readonly #schedulers = new Map<string, Queue>();
  readonly #announcedAt = new Map<string, number>();
  readonly #abandoned = new Map<string, Pick<NewJob, 'queue' | 'owner'>>();
  #abandonTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(redis: ScriptedRedis, prefix: string, timeLimitMs: number) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#timeLimitMs = timeLimitMs;
    this.jobs = new JobStore(redis, prefix);
    this.#index = new QueueIndex(redis, prefix);
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
    try {
      return await withinTimeLimit(this.#timeLimitMs, async () => {
        await whenReady(this.#redis);
        mayHaveWritten = true;
        const [place] = await Promise.all([
          this.#index.reserve({ ...job, ...admission, lifeMs: job.openTtlMs }),
          this.#announceWhenDue(job, settings),
        ]);
        if (place.kind !== 'reserved') {
          mayHaveWritten = false;
          throw refusedPlace(place, admission.maxWaiting);
        }
        return this.#write(job, {
          turn: place.turn,
          priority: admission.priority,
          delayMs: admission.delayMs,
        });
      });
    } catch (error) {
      if (mayHaveWritten) {
        this.#abandon(job);
      }
      throw error;
    }
  }

  /** One round trip on one node: the commands leave together, in this order, on one connection. */
  async #write(job: NewJob, at: Schedule): Promise<Acceptance> {
    const [created] = await Promise.all([
      this.jobs.create(job),
      schedule(this.#scheduler(job.queue), job.id, at),
      this.#index.enter(job.queue, job.id, job.owner, job.deadlineMs, job.openTtlMs),
    ]);
    if (created.kind === 'exists') {
      throw new AsyncError('internal-error', { detail: 'The job ID is taken. Send the request again.' });
    }
    return { createdAt: created.createdAt };
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
      await this.announce(job.queue, settings, job.openTtlMs);
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

  /** Remembers a submit that failed half-way, and takes it back as soon as Redis answers. */
  #abandon({ id, queue, owner }: NewJob): void {
    if (this.#abandoned.size < MAX_ABANDONED) {
      this.#abandoned.set(id, { queue, owner });
    }
    this.#abandonSoon();
  }

  #abandonSoon(): void {
    if (this.#closed || this.#abandonTimer !== undefined || this.#abandoned.size === 0) {
      return;
    }
    this.#abandonTimer = setTimeout(() => {
      void this.#takeBack().finally(() => {
        this.#abandonTimer = undefined;
        this.#abandonSoon();
      });
    }, ABANDON_RETRY_MS);
  }

  async #takeBack(): Promise<void> {
    for (const [id, { queue, owner }] of [...this.#abandoned]) {
      try {
        await withinTimeLimit(this.#timeLimitMs, async () => {
          await whenReady(this.#redis);
          await this.jobs.abandon(id);
          await this.#scheduler(queue).remove(id);
          await this.#index.forget(queue, id, owner);
        });
        this.#abandoned.delete(id);
      } catch {
        return; // Redis is still away: the next round tries again.
      }
    }
  }

  /** Submits that are waiting to be taken back: for health reports and tests. */
  get abandonedCount(): number {
    return this.#abandoned.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#abandonTimer);
    await Promise.allSettled([...this.#schedulers.values()].map((scheduler) => scheduler.close()));
    this.#schedulers.clear();
    this.#redis.disconnect();
  }
}

/** Jobs that had better have left the queue before a refused client comes again, as a part of the cap. */
const DRAINED_PART = 0.1;

const MAX_RETRY_AFTER_SECONDS = 300;

function refusedPlace(place: Exclude<PlaceOutcome, { kind: 'reserved' }>, maxWaiting: number): AsyncError {
  if (place.kind === 'caller-full') {
    return new AsyncError('too-many-jobs', {
      detail: 'You have as many unsettled jobs as this route allows. Wait until some of them have settled.',
      retryAfterSeconds: 5,
    });
  }
  const perSecond = place.settledPerMinute / 60;
  const seconds =
    perSecond === 0 ? MAX_RETRY_AFTER_SECONDS : Math.ceil((maxWaiting * DRAINED_PART) / perSecond);
  return new AsyncError('queue-full', {
    detail: 'The queue has as many waiting jobs as it takes. Nothing was accepted; try again later.',
    retryAfterSeconds: Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS),
  });
}
