// Runs a job that the scheduler brings: takes the lease, makes an attempt, settles. The record decides at every step; each step
// may be repeated after a crash.
import { randomUUID } from 'node:crypto';
import { loggableJobId } from '../jobs/job-id';
import type { AttemptEnd, SettleOutcome } from '../jobs/job-outcomes';
import type { JobRecord } from '../jobs/job-record';
import { makeAttempt, type LeasedJob } from './attempt';
import { Lease } from './lease';
import { persist } from './persist';
import type { QueueControl } from './queue-control';
import type { WorkerContext } from './worker-context';

/** What the scheduler is to do with the job: remove it, or bring it again. */
type JobRunResult = { readonly kind: 'done' } | { readonly kind: 'again'; readonly delayMs: number };

const DONE: JobRunResult = { kind: 'done' };

/** The record is of a newer version: a newer worker may be there by then. */
const NEWER_RETRY_MS = 10_000;

/** @param rank the job's fair rank in its queue, as the scheduler has it. */
export async function runJob(
  context: WorkerContext,
  queue: QueueControl,
  id: string,
  rank: number,
): Promise<JobRunResult> {
  const { index, jobs, leaseMs, log } = context;
  const takenAtMs = performance.now();
  const token = randomUUID();
  const start = await jobs.start(id, token, leaseMs);
  switch (start.kind) {
    case 'missing':
      log.warn(
        { job: loggableJobId(id), queue: queue.name },
        'a scheduled job has no record: it is removed from its queue',
      );
      await index.deleteJob(queue.name, id, '');
      return DONE;
    case 'already-settled':
    case 'settled-now':
      await index.removeJob(queue.name, id, start);
      return DONE;
    case 'newer':
      return { kind: 'again', delayMs: NEWER_RETRY_MS };
    case 'leased-elsewhere':
    case 'not-due':
      return { kind: 'again', delayMs: start.ms };
    case 'open':
      throw new Error('a start with a token cannot leave the job open');
    case 'leased':
      await index.releaseSlot(queue.name, id, rank);
      return runLeased(context, queue, start, new Lease(jobs, { id, token, leaseMs, takenAtMs }));
  }
}

async function runLeased(
  context: WorkerContext,
  queue: QueueControl,
  job: LeasedJob,
  lease: Lease,
): Promise<JobRunResult> {
  const { id } = job.record;
  context.leases.set(id, lease);
  try {
    const end = await makeAttempt(context, queue, job, lease);
    const settled = await settle(context, id, lease, end);
    switch (settled.kind) {
      case 'retrying':
        await setUsage(context, queue.name, job.record, end);
        return { kind: 'again', delayMs: settled.delayMs };
      case 'settled-now':
        await context.index.removeJob(queue.name, id, settled);
        return DONE;
      case 'lost':
        return { kind: 'again', delayMs: context.leaseMs };
    }
  } finally {
    context.leases.delete(id);
    lease.release();
  }
}

async function settle(
  { jobs }: WorkerContext,
  id: string,
  lease: Lease,
  end: AttemptEnd | undefined,
): Promise<SettleOutcome> {
  const settled = end && (await persist(lease, () => jobs.settle(id, lease.token, end)));
  return settled?.value ?? { kind: 'lost' };
}

/** A response that is stored beside the request until the next attempt counts among the bytes of the queue, as the request does. */
async function setUsage(
  { quota, log }: WorkerContext,
  queue: string,
  { id, requestBytes }: JobRecord,
  end: AttemptEnd | undefined,
): Promise<void> {
  if (end?.result === undefined) {
    return;
  }
  await quota.setUsage(queue, id, requestBytes + (end.resultBytes ?? 0)).catch((error: unknown) => {
    log.warn(
      { queue, job: loggableJobId(id), err: error },
      'a stored response was not counted among the bytes of its queue; the next change of the job counts it',
    );
  });
}
