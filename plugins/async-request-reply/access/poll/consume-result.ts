// Results that can be read once. One caller takes the read, and the bytes count only as long as they are stored.
import type { AccessStore } from '../../accept/access-store';
import type { JobRecord } from '../../jobs/job-record';

/** As long as a ticket is valid (handoff/ticket-sealer.ts). */
const TO_BE_SENT_MS = 3_600_000;

/** What is stored of a job after its result has been removed. */
const keptBytes = ({ isDead, requestBytes }: JobRecord): number => (isDead ? requestBytes : 0);

/**
 * Takes the one read of a result.
 *
 * @param isSentLater keeps the stored response until its sender calls {@link dropTaken}; else it is removed.
 * @returns whether the read was still to be had.
 */
export async function takeResult(
  store: AccessStore,
  job: JobRecord,
  result: string,
  isSentLater: boolean,
): Promise<boolean> {
  const lifeMs = isSentLater ? TO_BE_SENT_MS : 0;
  if (!(await store.consumeResult(job.id, result, lifeMs))) {
    return false;
  }
  const left = keptBytes(job);
  const bytes = isSentLater ? left + job.resultBytes : left;
  await shrinkUsage(store, job, bytes, isSentLater && left === 0 ? TO_BE_SENT_MS : undefined);
  return true;
}

/** Removes a result that was taken and has been sent. */
export async function dropTaken(store: AccessStore, id: string, result: string): Promise<void> {
  const job = await store.read(async (jobs) => {
    await jobs.payloads.dropResponse(id, result);
    return jobs.read(id);
  });
  if (job !== undefined) {
    await shrinkUsage(store, job, keptBytes(job));
  }
}

/** Never rejects: the caller has the result by now, and an entry that stays expires. */
async function shrinkUsage(
  store: AccessStore,
  job: JobRecord,
  bytes: number,
  withinMs?: number,
): Promise<void> {
  await store.shrinkUsage(job, bytes, withinMs).catch(() => undefined);
}
