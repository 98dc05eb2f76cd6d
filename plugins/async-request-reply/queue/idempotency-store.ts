// Idempotency keys in Redis. A claim names the job that a key stands for. It is in the slot of the queue; the state of the job
// is in the slot of the job, where `create` leaves a mark that outlives the record. So no script spans two slots, and a repeat
// finds out what a crash has cut off.
import { parseJobRecord, type JobRecord } from '../jobs/job-record';
import { acknowledgeJob } from '../jobs/job-scripts';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import type { ClaimOutcome } from './queue-outcomes';
import { claimKey, releaseClaim } from './queue-scripts';

/** A claim outlives its job by this much: the record is written a little later. */
const CLAIM_SLACK_MS = 60_000;

/** An idempotency key of a request. */
export interface Claim {
  /** A hash that reveals neither the caller nor the key. */
  readonly key: string;
  /** Differs between requests that use the same key. */
  readonly fingerprint: string;
  /** How long the key is kept at least. */
  readonly ttlMs: number;
}

export type LookupOutcome =
  | { readonly kind: 'job'; readonly record: JobRecord }
  | { readonly kind: 'gone' | 'not-created' | 'rolled-back' };

interface LookupOptions {
  /** The request will be answered with the job: from then on a submit that was answered with 503 does not roll it back. */
  readonly acknowledges: boolean;
  /** How long a job that was never created is kept from being created; 0 does not keep it. */
  readonly tombstoneMs: number;
}

/** The job for which a key is claimed. */
interface Claimant {
  readonly queue: string;
  readonly id: string;
  /** Longest life of the job. */
  readonly lifeMs: number;
  /** ID of a job that is known to have lost its claim; '' for none. */
  readonly replaces: string;
}

export class IdempotencyStore {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Claims the key for a job, or returns which job has it. May be repeated. */
  async claim(claim: Claim, { queue, id, lifeMs, replaces }: Claimant): Promise<ClaimOutcome> {
    return claimKey(this.#redis, {
      keys: this.#keys,
      queue,
      key: claim.key,
      id,
      fingerprint: claim.fingerprint,
      ttlMs: claim.ttlMs,
      lifeMs: lifeMs + CLAIM_SLACK_MS,
      replaces,
    });
  }

  /** What became of a job (jobs/lua/acknowledge.lua). */
  async lookUpJob(id: string, { acknowledges, tombstoneMs }: LookupOptions): Promise<LookupOutcome> {
    const reply = await acknowledgeJob(this.#redis, { keys: this.#keys, id, acknowledges, tombstoneMs });
    if (reply.kind !== 'job') {
      return reply;
    }
    const record = parseJobRecord(id, reply.fields);
    return record === undefined ? { kind: 'gone' } : { kind: 'job', record };
  }

  /** Releases a key, unless it names another job by now. */
  async release(queue: string, key: string, id: string): Promise<void> {
    await releaseClaim(this.#redis, { keys: this.#keys, queue, key, id });
  }
}

/** Keeps a key for another run of its job. */
export async function extendClaim(
  redis: RedisClient,
  keys: KeySpace,
  { queue, key, lifeMs }: { readonly queue: string; readonly key: string; readonly lifeMs: number },
): Promise<void> {
  await redis.pexpire(keys.claim(queue, key), lifeMs + CLAIM_SLACK_MS, 'GT');
}
