// Removes a settled job completely. The record is removed first: after a crash only entries of lists are left that name no job.
// They expire, and a repeat removes them.
import type { Queue } from 'bullmq';
import type { JobStore } from '../jobs/job-store';
import type { PurgeOutcome } from '../jobs/job-outcomes';
import type { QueueIndex } from './queue-index';

interface PurgeContext {
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly scheduler: (queue: string) => Queue;
}

/** @param queue that lists the job: it is removed from the lists even if its record has expired. */
export async function purgeJob(context: PurgeContext, id: string, queue: string): Promise<PurgeOutcome> {
  const outcome = await context.jobs.purge(id);
  if (outcome.kind === 'purged' || outcome.kind === 'missing') {
    await context.scheduler(queue).remove(id);
    await context.index.deleteJob(queue, id, outcome.kind === 'purged' ? outcome.owner : '');
    await context.index.removeDeadLetter(queue, id);
  }
  return outcome;
}
