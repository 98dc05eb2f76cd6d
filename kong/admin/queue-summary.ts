// The state of queues, as data: what `queues` lists, and the effect of `pause` and `resume`.
import { registeredSettings, knownQueues } from '../../plugins/async-request-reply/queue/queue-registry';
import { QueuePause, type Pause } from '../../plugins/async-request-reply/queue/queue-pause';
import { StorageQuota } from '../../plugins/async-request-reply/queue/storage-quota';
import { queueLimits } from '../../plugins/async-request-reply/worker/queue-limits';
import { redisNowMs, type AdminContext } from './admin-context';
import { serviceOf } from './queue-text';

/** A queue in the output of `--json`. */
export interface QueueSummary {
  readonly queue: string;
  readonly service: string | undefined;
  /** Unsettled jobs. */
  readonly open: number;
  /** Jobs that occupy a slot of `max_waiting`. */
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
  /** Size of the stored bodies, as `max_stored_bytes` counts it. */
  readonly stored_bytes: number;
  /** Whether an administrator has paused the queue. */
  readonly paused: boolean;
  /** An automatic pause: its reason, and when it ends (ms since 1970, clock of Redis). */
  readonly auto_pause: { readonly reason: Pause['reason']; readonly until: number } | undefined;
  readonly breaker: 'off' | 'closed' | 'open' | 'half-open';
  /** Whether a worker serves the queue. */
  readonly served: boolean;
  /** The effective limits: the smallest that are registered. */
  readonly concurrency: number | undefined;
  readonly rate: string | undefined;
}

/** Every known queue by its name, and the time of the look (ms since 1970, clock of Redis). */
export async function summarizeQueues(
  context: AdminContext,
): Promise<{ readonly queues: readonly QueueSummary[]; readonly nowMs: number }> {
  const nowMs = await redisNowMs(context);
  const queues: QueueSummary[] = [];
  for (const queue of (await knownQueues(context.redis, context.keys)).sort()) {
    queues.push(await queueSummary(context, queue, nowMs));
  }
  return { queues, nowMs };
}

async function queueSummary(context: AdminContext, queue: string, now: number): Promise<QueueSummary> {
  const { redis, keys } = context;
  const scheduler = context.scheduler(queue);
  const [service, open, waiting, dead, stored, lock, counts, paused, settings, breaker, pause] =
    await Promise.all([
      serviceOf(context, queue),
      redis.zcard(keys.openJobs(queue)),
      redis.zcount(keys.slots(queue), now, '+inf'),
      redis.zcount(keys.deadLetters(queue), now, '+inf'),
      new StorageQuota(redis, keys).total(queue),
      redis.exists(keys.sweepLock(queue)),
      scheduler.getJobCounts('active', 'delayed'),
      scheduler.isPaused(),
      registeredSettings(redis, keys, queue),
      redis.hmget(keys.breaker(queue), 'failures', 'open_until'),
      new QueuePause(redis, keys, queue).read(),
    ]);
  const limits = queueLimits(settings);
  const thresholds = settings
    .map(({ breakerFailures }) => breakerFailures)
    .filter((failures) => failures > 0);
  const isLimited = settings.some(({ rateMax }) => rateMax > 0);
  return {
    queue,
    service,
    open,
    waiting,
    active: counts['active'] ?? 0,
    delayed: counts['delayed'] ?? 0,
    dead,
    stored_bytes: stored,
    paused,
    auto_pause: pause && { reason: pause.reason, until: now + pause.leftMs },
    breaker: breakerState(thresholds, Number(breaker[0] ?? 0), Number(breaker[1] ?? 0), now),
    served: lock === 1,
    concurrency: limits?.concurrency,
    rate:
      limits === undefined || !isLimited
        ? undefined
        : `${String(limits.rateMax)} per ${String(limits.ratePerMs / 1000)} s`,
  };
}

function breakerState(
  thresholds: readonly number[],
  failures: number,
  openUntil: number,
  now: number,
): QueueSummary['breaker'] {
  if (thresholds.length === 0) {
    return 'off';
  }
  if (failures < Math.min(...thresholds)) {
    return 'closed';
  }
  return now < openUntil ? 'open' : 'half-open';
}

/**
 * Sets or clears the administrator's pause. Idempotent. Resuming also ends an automatic pause and closes the breaker: the
 * administrator knows the state of the upstream better than either.
 */
export async function setQueuePaused(
  context: AdminContext,
  queue: string,
  paused: boolean,
): Promise<'done' | 'no-such-queue'> {
  if ((await context.redis.zscore(context.keys.queues(), queue)) === null) {
    return 'no-such-queue';
  }
  const scheduler = context.scheduler(queue);
  if (paused) {
    await scheduler.pause();
  } else {
    await context.redis.del(context.keys.breaker(queue));
    await new QueuePause(context.redis, context.keys, queue).end();
    await scheduler.resume();
  }
  return 'done';
}
