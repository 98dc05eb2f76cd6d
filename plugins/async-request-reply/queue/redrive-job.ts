// Gives a dead letter a new run. The order of the writes loses no job, wherever a crash cuts it off:
//
//   1 queue and settings are kept for another run    4 record: queued, attempts 0 (this write decides)
//   2 slot and fair rank                             5 BullMQ and queue index, as for an accept
//   3 the job is added to the open jobs              6 the job is removed from the dead letters
//
// Before 4 the job is a dead letter as before. The sweeper removes what 3 has added once QueueIndex.reopen's key has expired. From 4
// on the job is queued and open: the sweeper schedules it, and another redrive completes 5 and 6.
import type { Queue } from 'bullmq';
import { isSettled, RECORD_VERSION, type JobRecord, type JobState } from '../jobs/job-record';
import type { RunLimits } from '../jobs/job-outcomes';
import type { JobStore } from '../jobs/job-store';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import { extendClaim } from './idempotency-store';
import { extendTtl } from './queue-registry';
import type { QueueIndex } from './queue-index';
import { DEFAULT_PRIORITY, FIRST_RANK, schedule } from './scheduler';

export interface RedriveContext {
  readonly redis: RedisClient;
  readonly keys: KeySpace;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly scheduler: (queue: string) => Queue;
}

export type RedriveJobOutcome =
  | { readonly kind: 'redriven' }
  /** A redrive that had been cut off is now complete. */
  | { readonly kind: 'resumed' }
  /** The job is open, or it has settled and is not a dead letter. */
  | { readonly kind: 'not-dead'; readonly state: JobState }
  /** `settings-gone`: no worker could run the job, which stays a dead letter. */
  | { readonly kind: 'missing' | 'newer' | 'settings-gone' };

/** The limits are for accepts: these jobs have been accepted. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** @throws what Redis or BullMQ throw; the call may then be repeated. */
export async function redriveJob(context: RedriveContext, id: string): Promise<RedriveJobOutcome> {
  const { jobs } = context;
  const [record, limits] = await Promise.all([jobs.read(id), jobs.readRunLimits(id)]);
  if (record === undefined || limits === undefined) {
    return { kind: 'missing' };
  }
  if (record.version > RECORD_VERSION) {
    return { kind: 'newer' };
  }
  return isSettled(record.state) ? redrive(context, record, limits) : resume(context, record, limits);
}

async function redrive(
  context: RedriveContext,
  record: JobRecord,
  { deadlineMs, openTtlMs, claimKey }: RunLimits,
): Promise<RedriveJobOutcome> {
  const { redis, keys, jobs, index } = context;
  const { id, queue, owner } = record;
  if (!(await jobs.isDead(id))) {
    return { kind: 'not-dead', state: record.state };
  }
  if (!(await extendTtl(redis, keys, { queue, hash: record.settingsHash, lifeMs: openTtlMs }))) {
    return { kind: 'settings-gone' };
  }
  const slot = await index.reserve({
    queue,
    id,
    owner,
    maxWaiting: NO_LIMIT,
    maxPerCaller: 0,
    lifeMs: openTtlMs,
  });
  await index.reopen(queue, id, record.expiresAt, (await redisNowMs(redis)) + deadlineMs);
  if (claimKey !== undefined) {
    await extendClaim(redis, keys, { queue, key: claimKey, lifeMs: openTtlMs });
  }
  const outcome = await jobs.redrive(id);
  if (outcome.kind !== 'redriven') {
    return outcome;
  }
  const rank = slot.kind === 'reserved' ? slot.rank : FIRST_RANK.rank;
  await Promise.all([
    schedule(context.scheduler(queue), id, { rank, priority: DEFAULT_PRIORITY, delayMs: 0 }),
    addAgain(index, record, deadlineMs, openTtlMs),
  ]);
  await index.removeDeadLetter(queue, id);
  return { kind: 'redriven' };
}

/** Completes a redrive that was cut off. Does nothing for a job that is on the right lists. */
async function resume(
  context: RedriveContext,
  record: JobRecord,
  { openTtlMs }: RunLimits,
): Promise<RedriveJobOutcome> {
  const { index, redis } = context;
  const { id, queue } = record;
  const { open, dead } = await index.membership(queue, id);
  if (open && !dead) {
    return { kind: 'not-dead', state: record.state };
  }
  const leftMs = Math.max(0, record.deadlineAt - (await redisNowMs(redis)));
  await Promise.all([
    schedule(context.scheduler(queue), id, FIRST_RANK),
    addAgain(index, record, leftMs, openTtlMs),
  ]);
  await index.removeDeadLetter(queue, id);
  return { kind: 'resumed' };
}

function addAgain(index: QueueIndex, record: JobRecord, deadlineMs: number, lifeMs: number): Promise<void> {
  const { id, queue, owner, hasCallback, requestBytes } = record;
  return index.addJob({ queue, id, owner, deadlineMs, lifeMs, hasCallback, requestBytes });
}

async function redisNowMs(redis: RedisClient): Promise<number> {
  const [seconds = 0, micros = 0] = await redis.time();
  return seconds * 1000 + Math.floor(micros / 1000);
}
