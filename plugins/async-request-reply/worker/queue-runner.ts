// Takes the jobs of one queue from BullMQ and runs them here.
import { setTimeout as delay } from 'node:timers/promises';
import { DelayedError, type Job, type Queue } from 'bullmq';
import { registeredSettings } from '../queue/queue-registry';
import { openScheduler, rankOf } from '../queue/scheduler';
import type { JobSettings } from '../jobs/job-settings';
import { BullmqWorker } from './bullmq-worker';
import { JobIntake } from './job-intake';
import { QueueControl } from './queue-control';
import { queueLimits, sameLimits, type QueueLimits } from './queue-limits';
import { runJob } from './run-job';
import { Sweeper } from './sweeper';
import type { WorkerContext } from './worker-context';

/** Seconds that an idle BullMQ worker waits before it looks again; a slot that another process freed is seen then. */
const DRAIN_DELAY_SECONDS = 1;

/** A hold that was lifted is seen within it; a queue that is held costs a worker one script each time. */
const PAUSE_CHECK_MS = 1000;

/** Within it a fetch that is under way ends, unless Redis is away: nothing is waited for then. */
const FETCH_END_MS = 2000;

/** BullMQ would fail a job by itself after so many lost workers: here the record counts the attempts. */
const NEVER_FAIL_STALLED = Number.MAX_SAFE_INTEGER;

/** While Redis answers nothing sensible, a job is not taken again at once. */
const ERROR_DELAY_MS = 1000;

export class QueueRunner {
  readonly #context: WorkerContext;
  readonly #queue: string;
  readonly #scheduler: Queue;
  readonly #worker: BullmqWorker;
  readonly #sweeper: Sweeper;
  readonly #control: QueueControl;
  readonly #intake: JobIntake;
  /** Turns that are under way: BullMQ does not wait for those of a worker that rests. */
  readonly #runs = new Set<Promise<unknown>>();
  #limits: QueueLimits | undefined;
  #isPausing = false;

  constructor(context: WorkerContext, queue: string) {
    this.#context = context;
    this.#queue = queue;
    const log = context.log.child({ queue });
    this.#scheduler = openScheduler(context.redis, context.keys, queue);
    this.#scheduler.on('error', (error) => log.warn({ err: error.message }, 'scheduler'));
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
    this.#worker.on('error', (error) => log.warn({ err: error.message }, 'worker'));
    this.#control = new QueueControl(context.redis, context.keys, queue);
    this.#sweeper = new Sweeper(context, queue, this.#scheduler);
    this.#intake = new JobIntake(this.#worker, context.secrets, log, (names) =>
      context.missingSecrets.report(queue, names),
    );
  }

  /**
   * Looks after the queue from now on, and starts to take jobs once its limits are known: where that fails, at the next
   * {@link refresh}.
   */
  async start(): Promise<void> {
    this.#sweeper.start();
    await this.refresh();
  }

  /** Takes over what the instances that fill the queue have announced since. */
  async refresh(): Promise<void> {
    const settings = await registeredSettings(this.#context.redis, this.#context.keys, this.#queue);
    await this.#setLimits(settings);
    await this.#intake.apply(settings);
  }

  /** Where instances differ, the smallest limits hold. */
  async #setLimits(settings: readonly JobSettings[]): Promise<void> {
    const limits = queueLimits(settings);
    if (limits === undefined) {
      return;
    }
    // Every time: they are in BullMQ's keys, which go when a queue is retired.
    await this.#scheduler.setGlobalConcurrency(limits.concurrency);
    await this.#scheduler.setGlobalRateLimit(limits.rateMax, limits.ratePerMs);
    if (sameLimits(limits, this.#limits)) {
      return;
    }
    if (!settings.every((one) => sameLimits(queueLimits([one]), limits))) {
      this.#context.log.warn(
        { queue: this.#queue, ...limits },
        'instances disagree on limits: the smallest hold',
      );
    }
    this.#worker.concurrency = limits.concurrency;
    this.#worker.wake();
    this.#limits = limits;
  }

  async #process(job: Job, token: string | undefined): Promise<void> {
    // It was on its way here when this worker stopped: another one takes it.
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

  /** Milliseconds after which the job is to come again, undefined when it is done with. */
  async #run(id: string, order: number): Promise<number | undefined> {
    try {
      const run = await runJob(this.#context, this.#control, id, order);
      return run.kind === 'again' ? run.delayMs : undefined;
    } catch (error) {
      this.#context.log.error({ queue: this.#queue, err: String(error) }, 'job not run');
      return ERROR_DELAY_MS;
    }
  }

  /** Takes no further job; resolves when those that run here have ended. */
  async pause(): Promise<void> {
    this.#isPausing = true;
    this.#intake.stop();
    // At once: while a sweep ends, this worker would take jobs that it may have no time for.
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
