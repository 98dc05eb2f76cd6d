// What Redis knows of the marker of a re-entered request: whether it is in time, its attempt runs, and nobody used it.
import type { LoopbackToken } from './loopback-token';
import type { KeySpace } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

export type ConsumeOutcome = 'consumed' | 'stale' | 'not-running' | 'used';

/** Uses a marker up, if it is good for anything; its signature has to be known as true. One round trip. */
export async function consumeToken(
  redis: ScriptedRedis,
  keys: KeySpace,
  { jobId, attempt, endsAt, nonce }: LoopbackToken,
  maxLifeMs: number,
): Promise<ConsumeOutcome> {
  const names = [keys.record(jobId), keys.loopback(jobId, nonce)];
  return (await redis.arrConsumeToken(...names, attempt, endsAt, maxLifeMs)) as ConsumeOutcome;
}
