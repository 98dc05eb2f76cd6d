// Looks after the jobs of a queue that nobody works on: those past their deadline are settled, those that the
// scheduler does not know are scheduled again. Bytes that have gone by themselves are forgotten. One process does it for each queue, by a lock with a TTL.
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { FIRST_RANK, schedule } from '../queue/scheduler';
import { StorageQuota } from '../queue/storage-quota';
import type { WorkerContext } from './worker-context';

/** How often deadlines are looked at. */
const DEADLINE_CHECK_MS = 1000;

/** Jobs looked at in one go: a few milliseconds of Redis. */
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

  /** Stops, and waits for a round that is under way. Idempotent. */
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
      this.#context.log.warn({ queue: this.#queue, err: String(error) }, 'sweep');
    }
  }

  /** Takes or keeps the lock. Two leaders for a moment do no harm: every step may be repeated. */
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
    // Those that run past their deadline stay where they are: the next page begins behind them.
    let staying = 0;
    for (;;) {
      const page = ['LIMIT', staying, BATCH] as const;
      const overdue = await this.#context.redis.zrangebyscore(key, '-inf', seconds * 1000, ...page);
      const stays = await Promise.all(overdue.map((id) => this.#examine(id, false)));
      staying += stays.filter(Boolean).length;
      if (overdue.length < BATCH || this.#timer === undefined) {
        return;
      }
    }
  }

  /** One batch of the open jobs a round, so that a full queue does not make a long one. */
  async #rescheduleForgotten(): Promise<void> {
    const { redis, keys } = this.#context;
    const [cursor, members] = await redis.zscan(keys.openJobs(this.#queue), this.#cursor, 'COUNT', BATCH);
    this.#cursor = cursor;
    const ids = members.filter((_member, index) => index % 2 === 0);
    const known = await Promise.all(ids.map((id) => redis.exists(keys.bullJob(this.#queue, id))));
    await Promise.all(ids.filter((_id, index) => known[index] === 0).map((id) => this.#examine(id, true)));
  }

  /** @returns whether the job stays among the open ones. */
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
