// Waits for a job to settle, for a request that a client or a route lets wait.
import { isSettled, type JobRecord } from '../jobs/job-record';
import type { SettleSignals } from '../waiting/settle-signals';
import type { WaitEnd, WaitingRequests } from '../waiting/waiting-requests';
import { queryStore, type StoreContext } from './store-context';

/** The requests that wait, and the messages that end their wait. */
export interface Waiting {
  /** Of the whole process. */
  readonly requests: WaitingRequests;
  readonly signals: SettleSignals;
}

interface WaitLimits {
  readonly limitMs: number;
  /** How many requests for jobs of the queue may wait in this process. */
  readonly maxWaiting: number;
}

/**
 * Waits until the job settles, at most for `limitMs`. Redis is not polled meanwhile: a message ends the wait. The record is read
 * once when the subscription is in place, and again after each time that it was interrupted.
 */
export function waitForSettle(
  context: StoreContext,
  { requests, signals }: Waiting,
  { id, queue }: Pick<JobRecord, 'id' | 'queue'>,
  { limitMs, maxWaiting }: WaitLimits,
): Promise<WaitEnd> {
  return requests.wait(limitMs, { queue, maxWaiting }, (onSettled) =>
    signals.listen(context.keys.settledChannel(id), {
      settled: onSettled,
      listening: () => {
        queryStore(context, () => context.jobs.read(id)).then(
          (job) => {
            if (job === undefined || isSettled(job.state)) {
              onSettled();
            }
          },
          () => undefined, // Redis is away again: the record is read again when it is back.
        );
      },
    }),
  );
}
