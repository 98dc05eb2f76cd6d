// What Redis knows of the marker of a re-entered request: whether it is in time, its attempt runs, and nobody used it.
import type { Marker } from './loopback-token';
import { reentryKey, recordKey } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

export type SpendOutcome = 'spent' | 'stale' | 'not-running' | 'used';

/** Uses a marker up, if it is good for anything; its signature has to be known as true. One round trip. */
export async function spendMarker(
  redis: ScriptedRedis,
  prefix: string,
  { jobId, attempt, endsAt, nonce }: Marker,
  maxLifeMs: number,
): Promise<SpendOutcome> {
  const keys = [recordKey(prefix, jobId), reentryKey(prefix, jobId, nonce)];
  return (await redis.arrSpend(...keys, attempt, endsAt, maxLifeMs)) as SpendOutcome;
}
