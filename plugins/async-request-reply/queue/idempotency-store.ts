// Idempotency keys in Redis. A claim names the job that a key stands for and lies in the slot of its queue; what became of
// that job is told by the slot of the job, where `create` leaves a mark that outlives the record. So no script spans
// two slots, and whatever a crash cuts off, a repeat finds out.
import { parseJobRecord, type JobRecord } from '../jobs/job-record';
import { claimKey, recordKey } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** A claim outlives its job by so much: the record is written a little later. */
const CLAIM_SLACK_MS = 60_000;

/** A request as its idempotency key names it. */
export interface Claim {
  /** Hash of caller and key: neither can be read from it. */
  readonly key: string;
  /** Tells the request from others that use the key. */
  readonly fingerprint: string;
  /** How long the key is kept at least. */
  readonly ttlMs: number;
}

export type ClaimOutcome =
  | { readonly kind: 'acquired' }
  /** `isLapsed`: its time is over, and it holds only as long as its job is open. */
  | {
      readonly kind: 'claimed';
      readonly id: string;
      readonly isSameRequest: boolean;
      readonly isExpired: boolean;
      readonly ageMs: number;
    };

export type LookupOutcome =
  | { readonly kind: 'job'; readonly record: JobRecord }
  | { readonly kind: 'gone' | 'not-created' | 'rolled-back' };

export interface LookupOptions {
  /** The job will be answered with: from then on no submit that was answered 503 takes it back. */
  readonly acknowledges: boolean;
  /** Keeps a job from coming into being that has not; 0 does not. */
  readonly tombstoneMs: number;
}

export class IdempotencyStore {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /**
   * Claims the key for a job, or says who has it. May be repeated.
   *
   * @param replaces ID of a job that is known to have lost its claim; '' for none.
   */
  async claim(
    queue: string,
    claim: Claim,
    id: string,
    lifeMs: number,
    replaces: string,
  ): Promise<ClaimOutcome> {
    const [kind, holder = '', same, lapsed, ageMs] = await this.#redis.arrClaim(
      claimKey(this.#prefix, queue, claim.key),
      id,
      claim.fingerprint,
      claim.ttlMs,
      lifeMs + CLAIM_SLACK_MS,
      replaces,
    );
    return kind === 'acquired'
      ? { kind }
      : {
          kind: 'claimed',
          id: holder,
          isSameRequest: same === '1',
          isExpired: lapsed === '1',
          ageMs: Number(ageMs),
        };
  }

  /** What became of a job: queue/lua/acknowledge.lua. */
  async lookUpJob(
    id: string,
    { acknowledges: acknowledges, tombstoneMs }: LookupOptions,
  ): Promise<LookupOutcome> {
    const reply = await this.#redis.arrAcknowledge(
      recordKey(this.#prefix, id),
      acknowledges ? '1' : '',
      tombstoneMs,
    );
    switch (reply[0]) {
      case 'job': {
        const fields: Record<string, string> = {};
        for (let i = 1; i + 1 < reply.length; i += 2) {
          fields[String(reply[i])] = String(reply[i + 1]);
        }
        const record = parseJobRecord(id, fields);
        return record === undefined ? { kind: 'gone' } : { kind: 'job', record };
      }
      case 'not-created':
      case 'rolled-back':
        return { kind: reply[0] };
      default:
        return { kind: 'gone' };
    }
  }

  /** Gives a key back, unless it names another job by now. */
  async release(queue: string, key: string, id: string): Promise<void> {
    await this.#redis.arrRelease(claimKey(this.#prefix, queue, key), id);
  }
}

/** Keeps a key for another run of its job. */
export async function extendClaim(
  redis: ScriptedRedis,
  prefix: string,
  queue: string,
  key: string,
  lifeMs: number,
): Promise<void> {
  await redis.pexpire(claimKey(prefix, queue, key), lifeMs + CLAIM_SLACK_MS, 'GT');
}
