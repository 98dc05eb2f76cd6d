// Waits for replicas: a job that a failover must not lose is accepted when enough of them have it.
import type { NewJob } from '../jobs/new-job';
import type { KeySpace } from './keys';
import { isCluster } from './redis-client';
import type { ScriptedRedis } from './scripts';

export interface Replication {
  readonly minReplicas: number;
  /** How long they have for it altogether. */
  readonly limitMs: number;
}

/** Whether so many replicas have what this connection has written of a job: on the job's node and on its queue's. */
export async function waitForReplicas(
  redis: ScriptedRedis,
  keys: KeySpace,
  { id, queue }: Pick<NewJob, 'id' | 'queue'>,
  { minReplicas, limitMs }: Replication,
): Promise<boolean> {
  const record = keys.record(id);
  const written = isCluster(redis) ? [record, keys.openJobs(queue)] : [record];
  // One connection waits for one after the other.
  const eachMs = Math.ceil(limitMs / written.length);
  // WAIT speaks of what its own connection has written; a pipeline goes to the node of its keys.
  const answers = await Promise.all(
    written.map((key) => redis.pipeline().exists(key).call('WAIT', minReplicas, eachMs).exec()),
  );
  return answers.every((answer) => Number(answer?.[1]?.[1] ?? 0) >= minReplicas);
}
