// Accepts a job under an idempotency key: one job for a key, however many send it at once and wherever one of them is
// killed. Nobody waits for anybody: whoever finds the key taken and no job behind it goes on with the job's ID as if he
// had claimed it, and the record, which is made once, says who was first.
//
//   claim ──mine──▶ create ──made──▶ 202          exists: a helper was faster, or it was taken back
//     └──taken──▶ vouch ──job──▶ the same 202     another request: 422
//                   ├──gone──▶ 410
//                   ├──never──▶ create, with the ID of the claim
//                   └──withdrawn──▶ claim anew
//
// A claim whose time is over holds only as long as its job is open.
import { setTimeout as delay } from 'node:timers/promises';
import { AsyncError } from '../errors/async-error';
import { newJobId } from '../jobs/job-id';
import { isSettled, type JobRecord } from '../jobs/job-record';
import type { CallbackOptions } from '../jobs/callback-options';
import type { NewJob } from '../jobs/new-job';
import type { Claim, IdempotencyStore, LookupOutcome } from '../queue/idempotency-store';
import type { ClaimOutcome } from '../queue/queue-outcomes';

export interface IdempotentSteps<Made> {
  /**
   * Makes the job with this ID.
   *
   * @param isAdopted somebody else claimed it: he must not take it back any more.
   * @returns undefined where there is a record, or a tombstone, with this ID already.
   * @throws AsyncError where the queue refuses it.
   */
  readonly create: (id: string, isAdopted: boolean) => Promise<Made | undefined>;
  /** Told of the ID that may have been written and that a failed submit has to take back; undefined: none. */
  readonly mayHaveWritten: (id: string | undefined) => void;
  /** Whether the time for an answer is over. */
  readonly isOver: () => boolean;
}

export type IdempotentOutcome<Made> =
  | { readonly kind: 'created'; readonly created: Made }
  | { readonly kind: 'repeat'; readonly record: JobRecord };

/** What a claimed key may wait for its job before a request of another kind gets it. */
const PROVISIONAL_MS = 30_000;

/** Far longer than any write can be on its way. */
const TOMBSTONE_MS = 3_600_000;

/** Each further one means that somebody else has got on in between. */
const MAX_ROUNDS = 10;

/** What to do after a look at the job that a key names. */
type ClaimDecision = 'repeat' | 'help' | 'replace';

/** A look at a job that somebody else is making. */
const LOOKUP_INTERVAL_MS = 20;

type ClaimedElsewhere = Extract<ClaimOutcome, { kind: 'claimed' }>;

/** The job under another ID, which it may tell the upstream too. */
export const withId = (job: NewJob, id: string): NewJob => ({
  ...job,
  id,
  // Its links name the job.
  callback:
    job.callback && (JSON.parse(JSON.stringify(job.callback).replaceAll(job.id, id)) as CallbackOptions),
  request: {
    ...job.request,
    headers: job.request.headers.map(([name, value]) => [name, value === job.id ? id : value] as const),
  },
});

/**
 * @throws AsyncError `idempotency-key-reused`, `gone`, `store-unavailable`, or what `create` throws.
 */
export async function acceptIdempotent<Made>(
  claims: IdempotencyStore,
  job: Pick<NewJob, 'id' | 'queue' | 'openTtlMs' | 'body'>,
  claim: Claim,
  steps: IdempotentSteps<Made>,
): Promise<IdempotentOutcome<Made>> {
  // A request that lies in the store already lies there under its own ID: it can be made under no other.
  const canChangeId = job.body !== 'stored';
  let replaces = '';
  for (let round = 0; round < MAX_ROUNDS && !steps.isOver(); round += 1) {
    const id = round === 0 || !canChangeId ? job.id : newJobId();
    steps.mayHaveWritten(id);
    const holder = await claims.claim(job.queue, claim, id, job.openTtlMs, replaces);
    const claimed: ClaimedElsewhere =
      holder.kind === 'claimed'
        ? holder
        : { kind: 'claimed', id, isSameRequest: true, isExpired: false, ageMs: 0 };
    if (holder.kind === 'acquired') {
      const created = await steps.create(id, false);
      if (created !== undefined) {
        return { kind: 'created', created: created };
      }
    }
    steps.mayHaveWritten(undefined);
    const isOld = claimed.ageMs > PROVISIONAL_MS && (!claimed.isSameRequest || !canChangeId);
    const seen = await lookUp(claims, claimed, isOld);
    const decision = decideClaim(claimed, seen, isOld);
    if (decision === 'repeat' && seen.kind === 'job') {
      return { kind: 'repeat', record: seen.record };
    }
    if (decision === 'help' && !canChangeId) {
      await delay(LOOKUP_INTERVAL_MS);
      round -= 1;
    } else if (decision === 'help') {
      const created = await steps.create(claimed.id, true);
      if (created !== undefined) {
        return { kind: 'created', created: created };
      }
    }
    replaces = decision === 'replace' ? claimed.id : '';
  }
  throw new AsyncError('store-unavailable', {
    detail: 'The idempotency key is in dispute. Send the request again.',
    retryAfterSeconds: 1,
  });
}

/** A claim that is to be replaced must be sure that its job does not come into being after all. */
function lookUp(claims: IdempotencyStore, claimed: ClaimedElsewhere, isOld: boolean): Promise<LookupOutcome> {
  return claims.lookUpJob(claimed.id, {
    acknowledges: claimed.isSameRequest,
    tombstoneMs: claimed.isExpired || isOld ? TOMBSTONE_MS : 0,
  });
}

/** @param isOld nobody makes its job any more, if there is none by now. */
function decideClaim(claimed: ClaimedElsewhere, seen: LookupOutcome, isOld: boolean): ClaimDecision {
  const isOver =
    (claimed.isExpired && (seen.kind !== 'job' || isSettled(seen.record.state))) ||
    (seen.kind === 'not-created' && isOld);
  if (isOver || seen.kind === 'rolled-back') {
    return 'replace';
  }
  if (!claimed.isSameRequest) {
    throw new AsyncError('idempotency-key-reused', {
      detail: 'This idempotency key was used with a different request. Use a new key for a new request.',
    });
  }
  switch (seen.kind) {
    case 'job':
      if (seen.record.readAt !== undefined) {
        throw gone();
      }
      return 'repeat';
    case 'not-created':
      return 'help';
    case 'gone':
      throw gone();
  }
}

const gone = (): AsyncError =>
  new AsyncError('gone', {
    detail:
      'The request was carried out before, and its result is no longer kept. It is not carried out again.',
  });
