// Recovers orphaned jobs of a queue: settles those past their deadline, and schedules those again that the scheduler does not
// know. Also removes expired bodies from the count of stored bytes. A lock with a TTL lets one process sweep a queue.
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { FIRST_RANK, schedule } from '../queue/scheduler';
import { StorageQuota } from '../queue/storage-quota';
import type { WorkerContext } from './worker-context';

/** How often deadlines are checked. */
const DEADLINE_CHECK_MS = 1000;

/** Jobs that are examined at once: it takes Redis a few milliseconds. */
const BATCH = 500;

type SweeperContext = Pick<WorkerContext, 'redis' | 'keys' | 'jobs' | 'index' | 'stalledCheckMs' | 'log'>;

export class Sweeper {
  readonly #context: SweeperContext;
  readonly #queue: string;
  readonly #scheduler: Queue;
  readonly #quota: StorageQuota;
  readonly #token = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #cursor = '0';
  #nextFullSweep = 0;

  constructor(context: SweeperContext, queue: string, scheduler: Queue) {
    this.#context = context;
    this.#queue = queue;
    this.#scheduler = scheduler;
    this.#quota = new StorageQuota(context.redis, context.keys);
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#round = this.#round.then(() => this.#sweep());
    }, DEADLINE_CHECK_MS);
  }

  /** Stops, and waits for a sweep that is under way. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#round;
  }

  async #sweep(): Promise<void> {
    try {
      if (this.#timer === undefined || !(await this.#lead())) {
        return;
      }
      await this.#settleOverdue();
      await this.#quota.expire(this.#queue);
      if (performance.now() >= this.#nextFullSweep) {
        await this.#rescheduleForgotten();
        this.#nextFullSweep = performance.now() + this.#context.stalledCheckMs;
      }
    } catch (error) {
      this.#context.log.warn(
        { queue: this.#queue, err: error },
        'a sweep of a queue failed; the next one begins in a second',
      );
    }
  }

  /** Acquires or extends the lock. Two processes may have it for a moment: every step may be repeated. */
  async #lead(): Promise<boolean> {
    const key = this.#context.keys.sweepLock(this.#queue);
    const ttlMs = DEADLINE_CHECK_MS * 5;
    if ((await this.#context.redis.set(key, this.#token, 'PX', ttlMs, 'NX')) === 'OK') {
      return true;
    }
    if ((await this.#context.redis.get(key)) !== this.#token) {
      return false;
    }
    await this.#context.redis.pexpire(key, ttlMs);
    return true;
  }

  async #settleOverdue(): Promise<void> {
    const [seconds = 0] = await this.#context.redis.time();
    const key = this.#context.keys.openJobs(this.#queue);
    // Jobs that run past their deadline stay in the index: the next page begins after them.
    let stayingCount = 0;
    for (;;) {
      const overdue = await this.#context.redis.zrangebyscore(
        key,
        '-inf',
        seconds * 1000,
        'LIMIT',
        stayingCount,
        BATCH,
      );
      const stays = await Promise.all(overdue.map((id) => this.#examine(id, false)));
      stayingCount += stays.filter(Boolean).length;
      if (overdue.length < BATCH || this.#timer === undefined) {
        return;
      }
    }
  }

  /** Examines one batch of the open jobs, so that a sweep of a full queue stays short. */
  async #rescheduleForgotten(): Promise<void> {
    const { redis, keys } = this.#context;
    const [cursor, members] = await redis.zscan(keys.openJobs(this.#queue), this.#cursor, 'COUNT', BATCH);
    this.#cursor = cursor;
    const ids = members.filter((_member, index) => index % 2 === 0);
    const known = await Promise.all(ids.map((id) => redis.exists(keys.bullJob(this.#queue, id))));
    await Promise.all(ids.filter((_id, index) => known[index] === 0).map((id) => this.#examine(id, true)));
  }

  /** @returns whether the job stays open. */
  async #examine(id: string, forgotten: boolean): Promise<boolean> {
    const outcome = await this.#context.jobs.examine(id);
    switch (outcome.kind) {
      case 'missing':
        await this.#context.index.deleteJob(this.#queue, id, '');
        break;
      case 'already-settled':
      case 'settled-now':
        await this.#context.index.removeJob(this.#queue, id, outcome);
        break;
      case 'open':
        if (forgotten) {
          await schedule(this.#scheduler, id, FIRST_RANK);
        }
        return true;
      case 'leased-elsewhere':
      case 'not-due':
      case 'newer':
      case 'leased':
        return true;
    }
    if (!forgotten) {
      await this.#scheduler.remove(id);
    }
    return false;
  }
}
