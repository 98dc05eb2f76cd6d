// Finds jobs: from the lists of a queue if they suffice, else by a scan of all records.
import { knownQueues } from '../../plugins/async-request-reply/queue/queue-registry';
import { isSettled, parseJobRecord, type JobRecord } from '../../plugins/async-request-reply/jobs/job-record';
import type { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { AdminContext } from './admin-context';
import type { StateFilter } from './arguments';
import { idInKey, scanKeys, scanMembers } from './scan';

export interface JobFilter {
  readonly queue?: string | undefined;
  /** As in the record; '' is no owner. */
  readonly owner?: string | undefined;
  /** One of these states; undefined is all. */
  readonly states?: readonly StateFilter[] | undefined;
  /** Settled (an open job: accepted) before this time (ms since 1970, clock of Redis). */
  readonly beforeMs?: number | undefined;
}

export interface FoundJob {
  readonly record: JobRecord;
  /** Whether the job is a dead letter and can be redriven. */
  readonly dead: boolean;
}

/** Finds a job by its ID. Returns undefined if there is none, or only the tombstone of a submit that was rolled back. */
export async function findJob({ redis, keys }: AdminContext, id: string): Promise<FoundJob | undefined> {
  const fields = await redis.hgetall(keys.record(id));
  const record = parseJobRecord(id, fields);
  return record === undefined || record.version === 0 ? undefined : { record, dead: fields['dead'] === '1' };
}

/**
 * Returns the matching jobs in windows, unordered. A job that matches during the whole scan is returned at least once.
 *
 * @param isWanted is called before a record is read.
 */
export async function* selectJobs(
  context: AdminContext,
  filter: JobFilter,
  isWanted: (id: string) => boolean = () => true,
): AsyncGenerator<FoundJob[]> {
  for await (const ids of candidateIds(context, filter)) {
    const found = await Promise.all(ids.filter(isWanted).map((id) => findJob(context, id)));
    const matching = found.filter((job) => job !== undefined).filter((job) => matches(job, filter));
    if (matching.length > 0) {
      yield matching;
    }
  }
}

async function* candidateIds(context: AdminContext, filter: JobFilter): AsyncGenerator<string[]> {
  const { redis, keys } = context;
  const list = listOf(keys, filter.states);
  if (list === undefined) {
    for await (const names of scanKeys(redis, keys.record('*'))) {
      yield names.map(idInKey);
    }
    return;
  }
  for (const queue of filter.queue === undefined ? await knownQueues(redis, keys) : [filter.queue]) {
    yield* scanMembers(redis, list(queue));
  }
}

/** Returns the list that contains all jobs in these states; undefined if there is none. */
function listOf(keys: KeySpace, states: JobFilter['states']): ((queue: string) => string) | undefined {
  if (states?.every((state) => state === 'dead')) {
    return (queue) => keys.deadLetters(queue);
  }
  return states?.every((state) => state !== 'dead' && !isSettled(state))
    ? (queue) => keys.openJobs(queue)
    : undefined;
}

function matches({ record, dead }: FoundJob, filter: JobFilter): boolean {
  const { queue, owner, states, beforeMs } = filter;
  return (
    (queue === undefined || record.queue === queue) &&
    (owner === undefined || record.owner === owner) &&
    (states === undefined || states.some((state) => (state === 'dead' ? dead : state === record.state))) &&
    (beforeMs === undefined || (record.settledAt ?? record.createdAt) < beforeMs)
  );
}
