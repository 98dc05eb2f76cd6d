// `queues`, `pause` and `resume`: queues as their administrator sees them.
import { registeredSettings, knownQueues } from '../../plugins/async-request-reply/queue/queue-registry';
import {
  breakerKey,
  deadLettersKey,
  openJobsKey,
  slotsKey,
  queuesKey,
  sweepLockKey,
} from '../../plugins/async-request-reply/redis/keys';
import { QueuePause, type Pause } from '../../plugins/async-request-reply/queue/queue-pause';
import { StorageQuota } from '../../plugins/async-request-reply/queue/storage-quota';
import { queueLimits } from '../../plugins/async-request-reply/worker/queue-limits';
import { redisNowMs, type AdminContext } from './admin-context';
import { notFound, type Report } from './report';
import { queueText, serviceOf } from './queue-text';
import { sizeText } from './size-text';
import { table } from './table';

interface QueueSummary {
  readonly queue: string;
  readonly service: string | undefined;
  /** Not settled. */
  readonly open: number;
  /** Holding a place under `max_waiting`. */
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
  /** Of the bodies that are stored for the queue, as `max_stored_bytes` counts them. */
  readonly stored_bytes: number;
  readonly paused: boolean;
  /** Until when (ms since 1970, by the clock of Redis) no job starts, and why. */
  readonly held: { readonly reason: Pause['reason']; readonly until: number } | undefined;
  readonly breaker: 'off' | 'closed' | 'open' | 'half-open';
  /** Whether a worker looks after it. */
  readonly taken: boolean;
  /** The limits in force: the smallest of those announced. */
  readonly concurrency: number | undefined;
  readonly rate: string | undefined;
}

export async function listQueues(context: AdminContext): Promise<Report> {
  const now = await redisNowMs(context);
  const queues: QueueSummary[] = [];
  for (const queue of (await knownQueues(context.redis, context.prefix)).sort()) {
    queues.push(await queueSummary(context, queue, now));
  }
  return {
    exitCode: 0,
    json: { queues },
    text: () => (queues.length === 0 ? 'No queue has been announced.' : queuesTable(queues, now)),
  };
}

async function queueSummary(context: AdminContext, queue: string, now: number): Promise<QueueSummary> {
  const { redis, prefix } = context;
  const scheduler = context.scheduler(queue);
  const [service, open, waiting, dead, stored, lock, counts, paused, settings, breaker, hold] =
    await Promise.all([
      serviceOf(context, queue),
      redis.zcard(openJobsKey(prefix, queue)),
      redis.zcount(slotsKey(prefix, queue), now, '+inf'),
      redis.zcount(deadLettersKey(prefix, queue), now, '+inf'),
      new StorageQuota(redis, prefix).total(queue),
      redis.exists(sweepLockKey(prefix, queue)),
      scheduler.getJobCounts('active', 'delayed'),
      scheduler.isPaused(),
      registeredSettings(redis, prefix, queue),
      redis.hmget(breakerKey(prefix, queue), 'failures', 'open_until'),
      new QueuePause(redis, prefix, queue).read(),
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
    held: hold && { reason: hold.reason, until: now + hold.leftMs },
    breaker: breakerState(thresholds, Number(breaker[0] ?? 0), Number(breaker[1] ?? 0), now),
    taken: lock === 1,
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

const yesNo = (summary: boolean): string => (summary ? 'yes' : 'no');

const pauseText = (held: QueueSummary['held'], now: number): string =>
  held === undefined ? 'no' : `${String(Math.ceil((held.until - now) / 1000))} s (${held.reason})`;

const queuesTable = (queues: readonly QueueSummary[], now: number): string =>
  table(
    [
      'QUEUE',
      '>OPEN',
      '>WAITING',
      '>ACTIVE',
      '>DELAYED',
      '>DEAD',
      '>STORED',
      'PAUSED',
      'HELD',
      'BREAKER',
      'TAKEN',
      '>CONCURRENCY',
      'RATE',
    ],
    queues.map((one) => [
      queueText(one.queue, one.service),
      ...[one.open, one.waiting, one.active, one.delayed, one.dead].map(String),
      sizeText(one.stored_bytes),
      yesNo(one.paused),
      pauseText(one.held, now),
      one.breaker,
      yesNo(one.taken),
      one.concurrency === undefined ? '-' : String(one.concurrency),
      one.rate ?? '-',
    ]),
  );

/**
 * Sets or clears the administrator's flag. To resume also ends a hold, and closes the breaker: the administrator knows better
 * than either how the upstream does. Repeating it changes nothing.
 */
export async function setPaused(context: AdminContext, queue: string, paused: boolean): Promise<Report> {
  if ((await context.redis.zscore(queuesKey(context.prefix), queue)) === null) {
    throw notFound(`There is no queue "${queue}".`);
  }
  const scheduler = context.scheduler(queue);
  if (paused) {
    await scheduler.pause();
  } else {
    await context.redis.del(breakerKey(context.prefix, queue));
    await new QueuePause(context.redis, context.prefix, queue).end();
    await scheduler.resume();
  }
  const sentence = paused
    ? `Queue ${queue} is paused: no job starts; those that run go on, and new ones are accepted.`
    : `Queue ${queue} is resumed.`;
  return { exitCode: 0, json: { queue, paused }, text: () => sentence };
}
