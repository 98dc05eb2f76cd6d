// Finds jobs: by the lists of a queue where these are enough, else by going through all records.
import { knownQueues } from '../../plugins/async-request-reply/queue/queue-registry';
import { isSettled, parseJobRecord, type JobRecord } from '../../plugins/async-request-reply/jobs/job-record';
import type { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { AdminContext } from './admin-context';
import type { StateFilter } from './arguments';
import { idInKey, scanKeys, scanMembers } from './scan';

export interface JobFilter {
  readonly queue?: string | undefined;
  /** As the record has it; '' is nobody. */
  readonly owner?: string | undefined;
  /** Any of them; undefined is all. */
  readonly states?: readonly StateFilter[] | undefined;
  /** Settled, or where it is open accepted, before this (ms since 1970, clock of Redis). */
  readonly beforeMs?: number | undefined;
}

export interface FoundJob {
  readonly record: JobRecord;
  /** A dead letter: it can be redriven. */
  readonly dead: boolean;
}

/** A job by its ID; undefined where there is none, or only the tombstone of a submit that was given up. */
export async function findJob({ redis, keys }: AdminContext, id: string): Promise<FoundJob | undefined> {
  const fields = await redis.hgetall(keys.record(id));
  const record = parseJobRecord(id, fields);
  return record === undefined || record.version === 0 ? undefined : { record, dead: fields['dead'] === '1' };
}

/**
 * Jobs that match, in windows and in no order. One that matches all the time comes at least once.
 *
 * @param isWanted is asked before a record is read.
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

/** The list of a queue that has all the jobs of these states; undefined where none has. */
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
