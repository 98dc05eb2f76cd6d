// A result that may be read once: who takes it has it alone, and its bytes are counted no longer than they are stored.
import type { JobRecord } from '../../jobs/job-record';
import type { AccessStore } from '../../accept/access-store';
import { StorageQuota } from '../../queue/storage-quota';

/** As long as a note is good (handoff/ticket-sealer.ts). */
const TO_BE_SENT_MS = 3_600_000;

/** What is left of a job whose result has gone. */
const keptBytes = ({ isDead, requestBytes }: JobRecord): number => (isDead ? requestBytes : 0);

/**
 * Takes the one read of a result.
 *
 * @param isSentLater keeps the stored response for whoever sends it and calls {@link dropTaken} then; else it is gone.
 * @returns whether it was still to be had.
 */
export async function takeResult(
  store: AccessStore,
  job: JobRecord,
  result: string,
  isSentLater: boolean,
): Promise<boolean> {
  const lifeMs = isSentLater ? TO_BE_SENT_MS : 0;
  const isTaken = await store.query((redis, keys) => redis.arrConsume(keys.record(job.id), result, lifeMs));
  if (isTaken !== 1) {
    return false;
  }
  const left = keptBytes(job);
  const bytes = isSentLater ? left + job.resultBytes : left;
  await keepMs(store, job, bytes, isSentLater && left === 0 ? TO_BE_SENT_MS : undefined);
  return true;
}

/** Removes a result that was taken and has been sent. */
export async function dropTaken(store: AccessStore, id: string, result: string): Promise<void> {
  const job = await store.read(async (jobs) => {
    await jobs.payloads.dropResponse(id, result);
    return jobs.read(id);
  });
  if (job !== undefined) {
    await keepMs(store, job, keptBytes(job));
  }
}

/** Never rejects: the result is the caller's by now, and what is not said here is forgotten by itself. */
async function keepMs(store: AccessStore, job: JobRecord, bytes: number, withinMs?: number): Promise<void> {
  const counting = store.query((redis, keys) =>
    new StorageQuota(redis, keys).shrink(job.queue, job.id, bytes, withinMs),
  );
  await counting.catch(() => undefined);
}
