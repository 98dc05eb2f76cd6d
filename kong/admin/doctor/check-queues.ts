// Checks of the queues that have been announced: somebody must take them, and their instances must agree.
import { setTimeout as delay } from 'node:timers/promises';
import { registeredSettings, knownQueues } from '../../../plugins/async-request-reply/queue/queue-registry';
import { QueuePause } from '../../../plugins/async-request-reply/queue/queue-pause';
import { nameOfRedis } from '../../../plugins/async-request-reply/redis/redis-client';
import { queueLimits, sameLimits } from '../../../plugins/async-request-reply/worker/queue-limits';
import { counted } from '../../process/counted';
import type { AdminContext } from '../admin-context';
import { queueText, serviceOf } from '../queue-text';
import { error, warning, type CheckResult, type Finding } from './finding';

/** The sweeper's lock is renewed every second and expires after 5 s. If its owner dies, another worker acquires it within 2 s. */
const LOCK_WAIT_MS = 2500;
const LOCK_CHECK_MS = 100;

export async function checkQueues(context: AdminContext): Promise<CheckResult[]> {
  const queues = (await usedQueues(context)).sort();
  const seen = counted(queues.length, 'queue');
  const [unserved, disagreeing, paused] = await Promise.all([
    Promise.all(queues.map((queue) => unservedFinding(context, queue))),
    Promise.all(queues.map((queue) => limitsFinding(context, queue))),
    Promise.all(queues.map((queue) => pauseFinding(context, queue))),
  ]);
  return [
    {
      name: 'workers',
      seen: `${seen} in ${connectionText(context)}`,
      findings: unserved.filter((finding) => finding !== undefined),
    },
    { name: 'limits', seen, findings: disagreeing.filter((finding) => finding !== undefined) },
    { name: 'pauses', seen, findings: paused.filter((finding) => finding !== undefined) },
  ];
}

/** The connection of this program. Workers must use the same. */
const connectionText = ({ settings: { redis } }: AdminContext): string =>
  `Redis ${nameOfRedis(redis)}, database ${String(redis.database)}, key prefix "${redis.key_prefix}"`;

/** Queues that are registered or have open jobs. The others are about to be removed, and no worker serves them. */
async function usedQueues({ redis, keys }: AdminContext): Promise<string[]> {
  const names = await knownQueues(redis, keys);
  const used = await Promise.all(
    names.map(async (queue) => {
      const [until, open] = await Promise.all([
        redis.zscore(keys.queues(), queue),
        redis.zcard(keys.openJobs(queue)),
      ]);
      return Number(until) > Date.now() || open > 0;
    }),
  );
  return names.filter((_name, at) => used[at]);
}

async function unservedFinding(context: AdminContext, queue: string): Promise<Finding | undefined> {
  const { redis, keys } = context;
  const until = performance.now() + LOCK_WAIT_MS;
  while ((await redis.exists(keys.sweepLock(queue))) === 0) {
    if (performance.now() >= until) {
      const open = await redis.zcard(keys.openJobs(queue));
      const name = queueText(queue, await serviceOf(context, queue));
      const message =
        `No worker serves queue ${name}, which has ${counted(open, 'open job')}. Start a worker. If one is running, ` +
        `check that it uses ${connectionText(context)} (ARR_REDIS_*, ARR_KEY_PREFIX) and that its ARR_QUEUES ` +
        'includes this queue.';
      return error(message);
    }
    await delay(LOCK_CHECK_MS);
  }
  return undefined;
}

async function limitsFinding(context: AdminContext, queue: string): Promise<Finding | undefined> {
  const settings = await registeredSettings(context.redis, context.keys, queue);
  const inForce = queueLimits(settings);
  if (settings.every((one) => sameLimits(queueLimits([one]), inForce))) {
    return undefined;
  }
  const requests = settings.map(
    ({ concurrency, rateMax, ratePerMs }) =>
      `concurrency ${String(concurrency)}` +
      (rateMax > 0 ? ` and ${String(rateMax)} per ${String(ratePerMs / 1000)} s` : ''),
  );
  const name = queueText(queue, await serviceOf(context, queue));
  return warning(
    `Plugin instances have different limits for queue ${name} (${[...new Set(requests)].sort().join('; ')}). ` +
      'The smallest apply. After a change of settings this ends when the old registration expires.',
  );
}

async function pauseFinding({ redis, keys }: AdminContext, queue: string): Promise<Finding | undefined> {
  const pause = await new QueuePause(redis, keys, queue).read();
  if (pause === undefined) {
    return undefined;
  }
  const why =
    pause.reason === 'breaker' ? 'its circuit breaker is open' : 'its upstream requested it (Retry-After)';
  return warning(
    `Queue ${queue} is paused for another ${String(Math.ceil(pause.leftMs / 1000))} s because ${why}. ` +
      `To resume it now: async-request-reply resume ${queue}`,
  );
}
