// Goes through all keys once: payloads without a record, records that no list knows, jobs that nobody moves on, keys
// that should go some day and will not. Jobs come and go meanwhile: what looks wrong is looked at again at the end.
import { setTimeout as delay } from 'node:timers/promises';
import { isSettled, type JobRecord } from '../../../plugins/async-request-reply/jobs/job-record';
import { jobIdTimeMs, loggableJobId } from '../../../plugins/async-request-reply/jobs/job-id';
import { counted } from '../../process/counted';
import { redisNowMs, type AdminContext } from '../admin-context';
import { scanKeys } from '../scan';
import { findJob } from '../select-jobs';
import { error, type CheckResult } from './finding';
import { keyKind } from './key-rules';

/** A submit writes its request before its record, and its record before the lists. */
const YOUNG_MS = 10_000;

/** A sweep settles what is overdue every second, and takes up what lost its worker within the stalled check. */
const OVERDUE_MS = 30_000;
const LEASE_OVER_MS = 60_000;

const SECOND_CHECK_MS = 500;

/** Named in a finding; all are counted. */
const EXAMPLES = 5;

type Fault = 'orphaned-keys' | 'unlisted-jobs' | 'stuck-jobs' | 'keys-without-ttl';

/** Of one, and of several. */
const FAULTS: Readonly<Record<Fault, readonly [string, string]>> = {
  'orphaned-keys': ['request or response without a record', 'requests or responses without a record'],
  'unlisted-jobs': [
    'open job that is not on the list of its queue, so that no sweep finds it (redrive it by its ID)',
    'open jobs that are not on the list of their queue, so that no sweep finds them (redrive each by its ID)',
  ],
  'stuck-jobs': [
    'open job past its deadline, or running under a lease long over (does a worker take its queue?)',
    'open jobs past their deadline, or running under a lease long over (does a worker take their queue?)',
  ],
  'keys-without-ttl': ['key without a TTL that should have one', 'keys without a TTL that should have one'],
};

export async function checkKeys(context: AdminContext): Promise<CheckResult[]> {
  const suspects = new Map<string, Fault[]>();
  let scanned = 0;
  for await (const keys of scanKeys(context.redis, `${context.keys.prefix}:*`)) {
    scanned += keys.length;
    for (const [key, faults] of await faultsOf(context, keys)) {
      suspects.set(key, faults);
    }
  }
  if (suspects.size > 0) {
    await delay(SECOND_CHECK_MS);
  }
  const confirmed = await faultsOf(context, [...suspects.keys()]);
  return (Object.keys(FAULTS) as Fault[]).map((fault) => {
    const keys = confirmed.flatMap(([key, faults]) => (faults.includes(fault) ? [loggableKey(key)] : []));
    const shown = keys.slice(0, EXAMPLES).join(', ') + (keys.length > EXAMPLES ? ', …' : '');
    return {
      name: fault,
      seen: counted(scanned, 'key'),
      findings: keys.length === 0 ? [] : [error(`${counted(keys.length, ...FAULTS[fault])}: ${shown}`)],
    };
  });
}

/** A finding may end in a log: a job's ID as logs may show it. */
const loggableKey = (key: string): string =>
  key.replace(/\{([0-9a-f-]{36})\}/, (_tag, id: string) => `{${loggableJobId(id)}…}`);

/** Keys with something wrong. */
async function faultsOf(context: AdminContext, keys: readonly string[]): Promise<[string, Fault[]][]> {
  const now = await redisNowMs(context);
  const faults = await Promise.all(keys.map((key) => faultsOfKey(context, key, now)));
  return keys.flatMap((key, at): [string, Fault[]][] => {
    const found = faults[at] ?? [];
    return found.length > 0 ? [[key, found]] : [];
  });
}

async function faultsOfKey(context: AdminContext, key: string, now: number): Promise<Fault[]> {
  const kind = keyKind(context.keys.prefix, key);
  if (kind === undefined) {
    return [];
  }
  const ttlFault: Fault[] = (await context.redis.pttl(key)) === -1 ? ['keys-without-ttl'] : [];
  switch (kind.kind) {
    case 'other':
      return ttlFault;
    case 'payload': {
      const isYoung = now - jobIdTimeMs(kind.id) < YOUNG_MS;
      const hasRecord = isYoung || (await context.redis.exists(context.keys.record(kind.id))) === 1;
      return hasRecord ? ttlFault : [...ttlFault, 'orphaned-keys'];
    }
    case 'record':
      return [...ttlFault, ...(await faultsOfJob(context, kind.id, now))];
  }
}

async function faultsOfJob(context: AdminContext, id: string, now: number): Promise<Fault[]> {
  const { redis, keys } = context;
  const record = (await findJob(context, id))?.record;
  if (record === undefined || isSettled(record.state) || now - record.createdAt < YOUNG_MS) {
    return [];
  }
  const [open, leaseUntil] = await Promise.all([
    redis.zscore(keys.openJobs(record.queue), id),
    redis.hget(keys.record(id), 'lease_until'),
  ]);
  return [
    ...(open === null ? (['unlisted-jobs'] as const) : []),
    ...(isStuck(record, Number(leaseUntil), now) ? (['stuck-jobs'] as const) : []),
  ];
}

/** A call that began before the deadline may go on after it. */
const isStuck = (record: JobRecord, leaseUntil: number, now: number): boolean =>
  record.state === 'running' ? now - leaseUntil > LEASE_OVER_MS : now - record.deadlineAt > OVERDUE_MS;
