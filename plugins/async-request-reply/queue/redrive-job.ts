// Gives a dead letter a new run. The order of the writes loses no job wherever it is cut off:
//
//   1 settings and queue are kept for another run     4 record: queued, attempts 0 (the one that counts)
//   2 a place, and whose turn it is                   5 BullMQ and index, as an accept does
//   3 the job is among the open ones                  6 it is no dead letter any more
//
// Cut off before 4 it is a dead letter as before; what 3 noted is taken back by the sweep when its fence is over.
// From 4 on it is queued and open: the sweep schedules it, and redriving it again does what is left of 5 and 6.
import type { Queue } from 'bullmq';
import { isSettled, RECORD_VERSION, type JobRecord, type JobState } from '../jobs/job-record';
import type { RunLimits } from '../jobs/job-outcomes';
import type { JobStore } from '../jobs/job-store';
import type { ScriptedRedis } from '../redis/scripts';
import { extendClaim } from './idempotency-store';
import { extendTtl } from './queue-registry';
import type { QueueIndex } from './queue-index';
import { DEFAULT_PRIORITY, FIRST_RANK, schedule } from './scheduler';

export interface RedriveContext {
  readonly redis: ScriptedRedis;
  readonly prefix: string;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly scheduler: (queue: string) => Queue;
}

export type RedriveJobOutcome =
  | { readonly kind: 'redriven' }
  /** A redrive that had been cut off is now complete. */
  | { readonly kind: 'resumed' }
  /** It is open, or settled without being a dead letter. */
  | { readonly kind: 'not-dead'; readonly state: JobState }
  /** `settings-gone`: no worker could run it; it stays a dead letter. */
  | { readonly kind: 'missing' | 'newer' | 'settings-gone' };

/** The caps are for accepts: these jobs were accepted. */
const NO_CAP = Number.MAX_SAFE_INTEGER;

/** @throws what Redis or BullMQ throw; it may then be repeated. */
export async function redriveJob(context: RedriveContext, id: string): Promise<RedriveJobOutcome> {
  const { jobs } = context;
  const [record, terms] = await Promise.all([jobs.read(id), jobs.readRunLimits(id)]);
  if (record === undefined || terms === undefined) {
    return { kind: 'missing' };
  }
  if (record.version > RECORD_VERSION) {
    return { kind: 'newer' };
  }
  return isSettled(record.state) ? redrive(context, record, terms) : resume(context, record, terms);
}

async function redrive(
  context: RedriveContext,
  record: JobRecord,
  { deadlineMs, openTtlMs, claimKey }: RunLimits,
): Promise<RedriveJobOutcome> {
  const { redis, prefix, jobs, index } = context;
  const { id, queue, owner } = record;
  if (!(await jobs.isDead(id))) {
    return { kind: 'not-dead', state: record.state };
  }
  if (!(await extendTtl(redis, prefix, queue, record.settingsHash, openTtlMs))) {
    return { kind: 'settings-gone' };
  }
  const place = await index.reserve({
    queue,
    id,
    owner,
    maxWaiting: NO_CAP,
    maxPerCaller: 0,
    lifeMs: openTtlMs,
  });
  await index.reopen(queue, id, record.expiresAt, (await redisNowMs(redis)) + deadlineMs);
  if (claimKey !== undefined) {
    await extendClaim(redis, prefix, queue, claimKey, openTtlMs);
  }
  const outcome = await jobs.redrive(id);
  if (outcome.kind !== 'redriven') {
    return outcome;
  }
  const rank = place.kind === 'reserved' ? place.rank : FIRST_RANK.rank;
  await Promise.all([
    schedule(context.scheduler(queue), id, { rank: rank, priority: DEFAULT_PRIORITY, delayMs: 0 }),
    index.addJob(queue, id, owner, deadlineMs, openTtlMs, record.hasCallback, record.requestBytes),
  ]);
  await index.removeDeadLetter(queue, id);
  return { kind: 'redriven' };
}

/** What a redrive has left undone; nothing for a job that is where it belongs. */
async function resume(
  context: RedriveContext,
  record: JobRecord,
  { openTtlMs }: RunLimits,
): Promise<RedriveJobOutcome> {
  const { index, redis } = context;
  const { id, queue, owner } = record;
  const { open, dead } = await index.membership(queue, id);
  if (open && !dead) {
    return { kind: 'not-dead', state: record.state };
  }
  const leftMs = Math.max(0, record.deadlineAt - (await redisNowMs(redis)));
  await Promise.all([
    schedule(context.scheduler(queue), id, FIRST_RANK),
    index.addJob(queue, id, owner, leftMs, openTtlMs, record.hasCallback, record.requestBytes),
  ]);
  await index.removeDeadLetter(queue, id);
  return { kind: 'resumed' };
}

async function redisNowMs(redis: ScriptedRedis): Promise<number> {
  const [seconds = 0, micros = 0] = await redis.time();
  return seconds * 1000 + Math.floor(micros / 1000);
}
