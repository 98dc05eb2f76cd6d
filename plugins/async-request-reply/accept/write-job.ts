// Writes a job in the order that loses none: its slot in the queue, then request and record, then the scheduler.
import type { AsyncError } from '../errors/async-error';
import type { CreateOutcome } from '../jobs/job-outcomes';
import type { NamedSettings } from '../jobs/job-settings';
import { requestBytes, type NewJob } from '../jobs/new-job';
import { schedule, type Schedule } from '../queue/scheduler';
import { isCluster } from '../redis/redis-client';
import { waitForReplicas } from '../redis/wait-for-replicas';
import { slotError } from './admission-errors';
import type { StoreContext } from './store-context';

/** What the queue allows, and what the client requested of it. */
export interface Admission extends Pick<Schedule, 'priority'> {
  readonly maxWaiting: number;
  /** 0 is no limit. */
  readonly maxPerCaller: number;
  /** Limit of the bodies that are stored for the queue; absent or 0: no limit. */
  readonly maxStoredBytes?: number;
  /** Replicas that must have the job before it counts as accepted. */
  readonly minReplicas: number;
}

export interface CreatedJob {
  readonly kind: 'created';
  readonly id: string;
  /** By the clock of Redis, in milliseconds since 1970. */
  readonly createdAt: number;
  /** For how long from then on no job of its queue starts. */
  readonly pausedMs: number;
}

type WriteOutcome =
  | CreatedJob
  /** A record, or a tombstone, with this ID exists. */
  | { readonly kind: 'duplicate' }
  /** The time limit is over. A part of the job may have been written. */
  | { readonly kind: 'too-late' }
  /** The job was written, but too few replicas have it. It was not scheduled. */
  | { readonly kind: 'unreplicated' }
  /** The queue has no slot for the job. Nothing was written. */
  | { readonly kind: 'refused'; readonly error: AsyncError };

interface WriteOptions {
  readonly settings: NamedSettings;
  readonly admission: Admission;
  /** Aborted when the client has its 503. */
  readonly signal: AbortSignal;
}

/**
 * While replicas are waited for, no sweep schedules the job for so many time limits. By then it is accepted, or rolled back.
 */
const CONFIRMING_LIMITS = 5;

/**
 * Part of the time limit after which Redis no longer creates the record. A command that waited for a Redis that stood
 * still is rejected there; the rest of the limit is for the reply to arrive, so that a 503 seldom hides a job that was created.
 */
const CREATE_PART = 0.75;

/** Part of the time limit that replicas get: after it there is still time for the reply to the client. */
const REPLICATION_PART = 0.5;

/**
 * Creates a job, or returns why it was not created.
 *
 * @throws what Redis throws: a part of the job may have been written.
 */
export async function writeJob(
  context: StoreContext,
  job: NewJob,
  { settings, admission, signal }: WriteOptions,
): Promise<WriteOutcome> {
  const { index, registrar, timeLimitMs } = context;
  const startedAt = performance.now();
  const [slot] = await Promise.all([
    index.reserve({ ...job, ...admission, lifeMs: job.openTtlMs, bytes: requestBytes(job) }),
    registrar.registerWhenDue(job, settings),
  ]);
  if (slot.kind !== 'reserved') {
    return { kind: 'refused', error: slotError(slot, admission.maxWaiting) };
  }
  const outcome = await putJob(context, job, {
    at: { rank: slot.rank, priority: admission.priority, delayMs: job.delayMs },
    latestAt: slot.at + timeLimitMs * CREATE_PART - (performance.now() - startedAt),
    minReplicas: admission.minReplicas,
    signal,
  });
  return outcome.kind === 'created'
    ? { kind: 'created', id: job.id, createdAt: outcome.createdAt, pausedMs: slot.pausedMs }
    : outcome;
}

interface PutOptions extends Pick<Admission, 'minReplicas'>, Pick<WriteOptions, 'signal'> {
  readonly at: Schedule;
  /** Time of the queue's node, in ms, after which the record is not written any more. */
  readonly latestAt: number;
}

/**
 * Takes one round trip on one node: the commands leave together on one connection, the record before the others. On a
 * Cluster it waits for the record first, since the scheduler is on another node. With replicas it takes one round trip more:
 * a job that too few replicas have is not accepted, and must not run.
 */
async function putJob(
  context: StoreContext,
  job: NewJob,
  { at, latestAt, minReplicas, signal }: PutOptions,
): Promise<CreateOutcome | Extract<WriteOutcome, { kind: 'unreplicated' | 'too-late' }>> {
  const { redis, jobs, index, timeLimitMs, schedulers } = context;
  const onCluster = isCluster(redis);
  const creating = jobs.create(job, {
    // The nodes of a Cluster have clocks of their own.
    latestAt: onCluster ? 0 : latestAt,
    confirmMs: minReplicas > 0 ? CONFIRMING_LIMITS * timeLimitMs : 0,
  });
  if (onCluster) {
    const created = await creating;
    if (created.kind !== 'created') {
      return created;
    }
    if (signal.aborted) {
      return { kind: 'too-late' };
    }
  }
  const adding = index.addJob({
    queue: job.queue,
    id: job.id,
    owner: job.owner,
    deadlineMs: job.deadlineMs,
    lifeMs: job.openTtlMs,
    hasCallback: job.callback !== undefined,
    requestBytes: requestBytes(job),
  });
  if (minReplicas > 0) {
    await Promise.all([creating, adding]);
    if (!(await isReplicated(context, job, minReplicas))) {
      return { kind: 'unreplicated' };
    }
    if (signal.aborted) {
      return { kind: 'too-late' };
    }
  }
  const scheduling = schedule(schedulers.of(job.queue), job.id, at);
  const [created] = await Promise.all([creating, adding, scheduling]);
  return created;
}

/** Waits until enough replicas have what was written for a job, on the job's node and on its queue's. */
export const isReplicated = (
  { redis, keys, timeLimitMs }: StoreContext,
  job: Pick<NewJob, 'id' | 'queue'>,
  minReplicas: number,
): Promise<boolean> =>
  waitForReplicas(redis, keys, job, { minReplicas, limitMs: timeLimitMs * REPLICATION_PART });
