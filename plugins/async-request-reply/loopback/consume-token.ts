// Consumes the token of a loopback request. Redis knows whether the token is in time, its attempt runs, and it was not used before.
import path from 'node:path';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import { CLOCK, defineScript } from '../redis/script';
import type { LoopbackToken } from './loopback-token';

export type ConsumeOutcome = 'consumed' | 'stale' | 'not-running' | 'used';

interface ConsumeOptions {
  readonly keys: KeySpace;
  readonly token: LoopbackToken;
  readonly maxLifeMs: number;
}

const runConsume = defineScript({
  name: 'consume_token',
  directory: path.join(__dirname, 'lua'),
  libraries: [CLOCK],
  numberOfKeys: 2,
  keys: ({ keys, token }: ConsumeOptions) => [
    keys.record(token.jobId),
    keys.loopback(token.jobId, token.nonce),
  ],
  argv: ({ token, maxLifeMs }) => [token.attempt, token.endsAt, maxLifeMs],
  reply: (outcome: ConsumeOutcome): ConsumeOutcome => outcome,
});

/** Consumes a token whose signature has been verified. One round trip. */
export async function consumeToken(
  redis: RedisClient,
  keys: KeySpace,
  token: LoopbackToken,
  maxLifeMs: number,
): Promise<ConsumeOutcome> {
  return runConsume(redis, { keys, token, maxLifeMs });
}
