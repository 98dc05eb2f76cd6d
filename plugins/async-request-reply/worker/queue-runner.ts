// Takes the jobs of one queue from BullMQ and runs them.
//
//   created ──start──▶ sweeping ──refresh: limits known──▶ taking or resting (job-intake.ts) ──pause──▶ draining ──close──▶ closed
import { setTimeout as delay } from 'node:timers/promises';
import { DelayedError, type Job, type Queue } from 'bullmq';
import { registeredSettings } from '../queue/queue-registry';
import { openScheduler, rankOf } from '../queue/scheduler';
import { loggableJobId } from '../jobs/job-id';
import type { JobSettings } from '../jobs/job-settings';
import { BullmqWorker } from './bullmq-worker';
import { JobIntake } from './job-intake';
import { QueueControl } from './queue-control';
import { queueLimits, sameLimits, type QueueLimits } from './queue-limits';
import { runJob } from './run-job';
import { Sweeper } from './sweeper';
import type { WorkerContext } from './worker-context';

/** Seconds after which an idle BullMQ worker checks the queue again: it then sees a slot that another process released. */
const DRAIN_DELAY_SECONDS = 1;

/** How often a paused queue is checked, by one script in Redis: within this time the end of the pause is seen. */
const PAUSE_CHECK_MS = 1000;

/** A fetch that is under way ends within this time, unless Redis is away: then it is not waited for. */
const FETCH_END_MS = 2000;

/** After so many lost workers BullMQ would fail a job. Here the record counts the attempts. */
const NEVER_FAIL_STALLED = Number.MAX_SAFE_INTEGER;

/** After an error, often of Redis, the job is not taken again at once. */
const ERROR_DELAY_MS = 1000;

export class QueueRunner {
  readonly #context: WorkerContext;
  readonly #queue: string;
  readonly #scheduler: Queue;
  readonly #worker: BullmqWorker;
  readonly #sweeper: Sweeper;
  readonly #control: QueueControl;
  readonly #intake: JobIntake;
  /** Jobs that are being run: BullMQ does not wait for those of a paused worker. */
  readonly #runs = new Set<Promise<unknown>>();
  #limits: QueueLimits | undefined;
  #isPausing = false;

  constructor(context: WorkerContext, queue: string) {
    this.#context = context;
    this.#queue = queue;
    const log = context.log.child({ queue });
    this.#scheduler = openScheduler(context.redis, context.keys, queue);
    this.#scheduler.on('error', (error) => {
      log.warn(
        { err: error },
        'the scheduler of a queue reports an error of Redis; it goes on when Redis answers',
      );
    });
    this.#worker = new BullmqWorker(queue, (job, token) => this.#process(job, token), {
      connection: context.redis,
      prefix: context.keys.bullPrefix(queue),
      concurrency: 1,
      lockDuration: context.leaseMs,
      stalledInterval: context.stalledCheckMs,
      maxStalledCount: NEVER_FAIL_STALLED,
      drainDelay: DRAIN_DELAY_SECONDS,
      maximumRateLimitDelay: PAUSE_CHECK_MS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      autorun: false,
    });
    this.#worker.on('error', (error) => {
      log.warn({ err: error }, 'BullMQ could not fetch or move a job; it goes on when Redis answers');
    });
    this.#control = new QueueControl(context.redis, context.keys, queue);
    this.#sweeper = new Sweeper(context, queue, this.#scheduler);
    this.#intake = new JobIntake(this.#worker, context.secrets, log, (names) =>
      context.missingSecrets.report(queue, names),
    );
  }

  /**
   * Starts to sweep the queue, and to take jobs once its limits are known. If they cannot be read, the next {@link refresh}
   * starts it.
   */
  async start(): Promise<void> {
    this.#sweeper.start();
    await this.refresh();
  }

  /** Applies the settings that the instances of the plugin have registered for the queue. */
  async refresh(): Promise<void> {
    const settings = await registeredSettings(this.#context.redis, this.#context.keys, this.#queue);
    await this.#setLimits(settings);
    await this.#intake.apply(settings);
  }

  /** If the instances differ, the smallest limits apply. */
  async #setLimits(settings: readonly JobSettings[]): Promise<void> {
    const limits = queueLimits(settings);
    if (limits === undefined) {
      return;
    }
    // Each time: they are in BullMQ's keys, which are deleted when an unused queue is removed.
    await this.#scheduler.setGlobalConcurrency(limits.concurrency);
    await this.#scheduler.setGlobalRateLimit(limits.rateMax, limits.ratePerMs);
    if (sameLimits(limits, this.#limits)) {
      return;
    }
    if (!settings.every((one) => sameLimits(queueLimits([one]), limits))) {
      this.#context.log.warn(
        { queue: this.#queue, ...limits },
        'the instances of the plugin set different limits for a queue; the smallest of each apply',
      );
    }
    this.#worker.concurrency = limits.concurrency;
    this.#worker.wake();
    this.#limits = limits;
  }

  async #process(job: Job, token: string | undefined): Promise<void> {
    // The job was being fetched when this worker stopped: another worker takes it.
    const run = this.#isPausing
      ? Promise.resolve(0)
      : this.#run(String(job.id), rankOf(job.opts.priority ?? 0));
    this.#runs.add(run);
    const delayMs = await run.finally(() => this.#runs.delete(run));
    if (delayMs !== undefined) {
      await job.moveToDelayed(Date.now() + delayMs, token);
      throw new DelayedError();
    }
  }

  /** @returns the milliseconds after which the scheduler is to bring the job again; undefined if it is done. */
  async #run(id: string, rank: number): Promise<number | undefined> {
    try {
      const run = await runJob(this.#context, this.#control, id, rank);
      return run.kind === 'again' ? run.delayMs : undefined;
    } catch (error) {
      this.#context.log.error(
        { queue: this.#queue, job: loggableJobId(id), err: error },
        'a job could not be run to its end; the scheduler brings it again in a second',
      );
      return ERROR_DELAY_MS;
    }
  }

  /** Takes no further job; resolves when the jobs that run here have ended. */
  async pause(): Promise<void> {
    this.#isPausing = true;
    this.#intake.stop();
    // Both at once: while a sweep ends, this worker would take jobs that it may not have the time for.
    await Promise.all([this.#stopFetching(), this.#sweeper.stop()]);
    await Promise.all(this.#runs);
  }

  async #stopFetching(): Promise<void> {
    await this.#worker.pauseFetching();
    const patience = new AbortController();
    await Promise.race([this.#worker.fetching, delay(FETCH_END_MS, undefined, { signal: patience.signal })]);
    patience.abort();
  }

  async close(): Promise<void> {
    await this.#sweeper.stop();
    await this.#worker.close(true);
    await this.#scheduler.close();
  }
}
