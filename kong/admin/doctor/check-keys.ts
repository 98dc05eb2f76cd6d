// Scans all keys for payloads without a record, open jobs that are on no list, stuck jobs, and keys that will not expire.
// Jobs change during the scan, so it checks every suspect again at the end.
import { setTimeout as delay } from 'node:timers/promises';
import { isSettled, type JobRecord } from '../../../plugins/async-request-reply/jobs/job-record';
import { jobIdTimeMs, loggableJobId } from '../../../plugins/async-request-reply/jobs/job-id';
import { counted } from '../../process/counted';
import { redisNowMs, type AdminContext } from '../admin-context';
import { scanKeys } from '../scan';
import { findJob } from '../select-jobs';
import { error, type CheckResult } from './finding';
import { keyKind } from './key-rules';

/** A submit writes its request first, then the record, and then the lists. Younger jobs are not checked. */
const YOUNG_MS = 10_000;

/** The sweeper settles overdue jobs every second. The stalled check recovers jobs that have lost their worker. */
const OVERDUE_MS = 30_000;
const LEASE_OVER_MS = 60_000;

const SECOND_CHECK_MS = 500;

/** Number of keys that a finding names. It counts all. */
const EXAMPLES = 5;

type Fault = 'orphaned-keys' | 'unlisted-jobs' | 'stuck-jobs' | 'keys-without-ttl';

/** Texts for one key and for several. */
const FAULTS: Readonly<Record<Fault, readonly [string, string]>> = {
  'orphaned-keys': ['request or response without a record', 'requests or responses without a record'],
  'unlisted-jobs': [
    'open job that is missing from the list of its queue, so that the sweeper does not find it (redrive it by its ID)',
    'open jobs that are missing from the list of their queue, so that the sweeper does not find them (redrive each by its ID)',
  ],
  'stuck-jobs': [
    'open job past its deadline, or running with a lease that expired long ago (does a worker serve its queue?)',
    'open jobs past their deadline, or running with a lease that expired long ago (does a worker serve their queue?)',
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

/** Findings may be logged, so the job ID is shortened as in logs. */
const loggableKey = (key: string): string =>
  key.replace(/\{([0-9a-f-]{36})\}/, (_tag, id: string) => `{${loggableJobId(id)}…}`);

/** The keys with faults. */
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

/** A call that began before the deadline may continue after it. */
const isStuck = (record: JobRecord, leaseUntil: number, now: number): boolean =>
  record.state === 'running' ? now - leaseUntil > LEASE_OVER_MS : now - record.deadlineAt > OVERDUE_MS;
