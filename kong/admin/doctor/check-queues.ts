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

/** The lock lives 5 s and is renewed every second: after a leader's death another takes it within two. */
const LOCK_WAIT_MS = 2500;
const LOCK_CHECK_MS = 100;

export async function checkQueues(context: AdminContext): Promise<CheckResult[]> {
  const queues = (await usedQueues(context)).sort();
  const seen = counted(queues.length, 'queue');
  const [untaken, disagreeing, held] = await Promise.all([
    Promise.all(queues.map((queue) => untakenFinding(context, queue))),
    Promise.all(queues.map((queue) => limitsFinding(context, queue))),
    Promise.all(queues.map((queue) => pauseFinding(context, queue))),
  ]);
  return [
    {
      name: 'workers',
      seen: `${seen} in ${connectionText(context)}`,
      findings: untaken.filter((finding) => finding !== undefined),
    },
    { name: 'limits', seen, findings: disagreeing.filter((finding) => finding !== undefined) },
    { name: 'holds', seen, findings: held.filter((finding) => finding !== undefined) },
  ];
}

/** Where this program looks, and so where workers must. */
const connectionText = ({ settings: { redis } }: AdminContext): string =>
  `Redis ${nameOfRedis(redis)}, database ${String(redis.database)}, key prefix "${redis.key_prefix}"`;

/** Those that are announced or have open jobs: the others are about to be retired, and no worker takes them. */
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

async function untakenFinding(context: AdminContext, queue: string): Promise<Finding | undefined> {
  const { redis, keys } = context;
  const until = performance.now() + LOCK_WAIT_MS;
  while ((await redis.exists(keys.sweepLock(queue))) === 0) {
    if (performance.now() >= until) {
      const open = await redis.zcard(keys.openJobs(queue));
      const name = queueText(queue, await serviceOf(context, queue));
      const message =
        `No worker takes queue ${name}, which has ${counted(open, 'open job')}. Start one. One that runs looks ` +
        `elsewhere: it has to be told ${connectionText(context)} (ARR_REDIS_*, ARR_KEY_PREFIX), and by ARR_QUEUES ` +
        'to take this queue, or all.';
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
    `Instances disagree on the limits of queue ${name} (${[...new Set(requests)].sort().join('; ')}): ` +
      'the smallest hold. After a change of settings this passes when the old announcement lapses.',
  );
}

async function pauseFinding({ redis, keys }: AdminContext, queue: string): Promise<Finding | undefined> {
  const pause = await new QueuePause(redis, keys, queue).read();
  if (pause === undefined) {
    return undefined;
  }
  const why =
    pause.reason === 'breaker' ? 'its circuit breaker is open' : 'its upstream asked for it (Retry-After)';
  return warning(
    `Queue ${queue} starts no job for ${String(Math.ceil(pause.leftMs / 1000))} s yet, since ${why}. ` +
      `To start them now: async-request-reply resume ${queue}`,
  );
}
