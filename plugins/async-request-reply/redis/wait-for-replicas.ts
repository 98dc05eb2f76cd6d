// Waits for replicas: a job that a failover must not lose is accepted when enough of them have it.
import type { KeySpace } from './keys';
import { isCluster, type RedisClient } from './redis-client';

interface Replication {
  readonly minReplicas: number;
  /** Time limit for all nodes together. */
  readonly limitMs: number;
}

/** Whether enough replicas have what this connection has written of a job: on the job's node and on its queue's node. */
export async function waitForReplicas(
  redis: RedisClient,
  keys: KeySpace,
  { id, queue }: { readonly id: string; readonly queue: string },
  { minReplicas, limitMs }: Replication,
): Promise<boolean> {
  const record = keys.record(id);
  const written = isCluster(redis) ? [record, keys.openJobs(queue)] : [record];
  // A connection handles one WAIT after the other.
  const eachMs = Math.ceil(limitMs / written.length);
  // WAIT covers what its own connection has written. A pipeline goes to the node of its keys.
  const answers = await Promise.all(
    written.map((key) => redis.pipeline().exists(key).call('WAIT', minReplicas, eachMs).exec()),
  );
  return answers.every((answer) => Number(answer?.[1]?.[1] ?? 0) >= minReplicas);
}
