// Undoes an accept that failed: cancels what it may have written, releases its idempotency key and takes the job out of its queue.
import type { PendingRollback } from './pending-rollbacks';
import { queryStore, type StoreContext } from './store-context';

/**
 * May be repeated. A job that a repeat of the request was answered with is kept.
 *
 * @throws AsyncError `store-unavailable` or `store-full`.
 */
export async function rollBack(
  context: StoreContext,
  { id, queue, owner, claimKey }: PendingRollback,
): Promise<void> {
  const { jobs, claims, schedulers, index } = context;
  await queryStore(context, async () => {
    const outcome = await jobs.rollBack(id, claimKey !== undefined);
    if (outcome.kind === 'kept') {
      return;
    }
    if (claimKey !== undefined) {
      await claims.release(queue, claimKey, id);
    }
    await schedulers.of(queue).remove(id);
    const removed = { owner, dead: false, expiresAt: 0 };
    // The bytes of a job that has started are counted when it ends.
    const hasStarted = outcome.kind === 'cancelling' || outcome.kind === 'already-settled';
    await index.removeJob(queue, id, hasStarted ? removed : { ...removed, bytes: 0 });
  });
}
