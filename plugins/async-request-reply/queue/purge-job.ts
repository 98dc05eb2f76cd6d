// Removes a settled job and every trace of it. The record goes first: what is left after a crash are entries of lists
// that name no job, which lapse, and which a repeat removes.
import type { Queue } from 'bullmq';
import type { JobStore } from '../jobs/job-store';
import type { PurgeOutcome } from '../jobs/job-outcomes';
import type { QueueIndex } from './queue-index';

export interface PurgeContext {
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly scheduler: (queue: string) => Queue;
}

/** @param queue where the job is listed: it is taken off the lists even where there is no record any more. */
export async function purgeJob(context: PurgeContext, id: string, queue: string): Promise<PurgeOutcome> {
  const outcome = await context.jobs.purge(id);
  if (outcome.kind === 'purged' || outcome.kind === 'missing') {
    await context.scheduler(queue).remove(id);
    await context.index.deleteJob(queue, id, outcome.kind === 'purged' ? outcome.owner : '');
    await context.index.removeDeadLetter(queue, id);
  }
  return outcome;
}
