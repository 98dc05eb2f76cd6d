// What the access side does to an open job: cancels it, settles it at its deadline, or schedules it again.
import type { CancelOutcome } from '../jobs/job-outcomes';
import type { JobRecord } from '../jobs/job-record';
import { publishControl } from '../queue/queue-registry';
import { reopenJob } from '../queue/reopen-job';
import { queryStore, type StoreContext } from './store-context';

type JobName = Pick<JobRecord, 'id' | 'queue'>;

/**
 * Cancels a job. A waiting job settles at once and leaves the queue. A running job is ended by its worker, which is notified on
 * the control channel and sees the cancellation at its next renewal of the lease at the latest.
 */
export function cancelJob(context: StoreContext, { id, queue }: JobName): Promise<CancelOutcome> {
  const { redis, keys, jobs, index, schedulers } = context;
  return queryStore(context, async () => {
    const outcome = await jobs.cancel(id);
    if (outcome.kind === 'settled-now') {
      await schedulers.of(queue).remove(id);
      await index.removeJob(queue, id, outcome);
    } else if (outcome.kind === 'cancelling') {
      await publishControl(redis, keys, { kind: 'cancel', id });
    }
    return outcome;
  });
}

/**
 * Settles a job whose deadline is over before a worker has settled it, and schedules a waiting job that the scheduler does not
 * know.
 *
 * @returns its record afterwards.
 */
export function examineJob(context: StoreContext, { id, queue }: JobName): Promise<JobRecord | undefined> {
  const { jobs, index, schedulers } = context;
  return queryStore(context, async () => {
    const outcome = await jobs.examine(id);
    if (outcome.kind === 'settled-now') {
      await schedulers.of(queue).remove(id);
      await index.removeJob(queue, id, outcome);
    }
    const record = await jobs.read(id);
    if (outcome.kind === 'open' && record !== undefined) {
      await scheduleIfUnknown(context, record);
    }
    return record;
  });
}

/** Schedules a waiting job that the scheduler does not know: its submit was cut off, or Redis has lost a write. */
export async function scheduleIfUnknown(
  { redis, keys, index, schedulers }: StoreContext,
  record: JobRecord,
): Promise<void> {
  await reopenJob({ redis, keys, index, scheduler: (queue) => schedulers.of(queue) }, record);
}
