// What a request does whose idempotency key another request has claimed.
import { AsyncError } from '../errors/async-error';
import { isSettled, type JobRecord } from '../jobs/job-record';
import { TOMBSTONE_MS } from '../jobs/job-store';
import type { IdempotencyStore, LookupOutcome } from '../queue/idempotency-store';
import type { ClaimOutcome } from '../queue/queue-outcomes';
import { PROVISIONAL_MS } from '../queue/queue-index';

/** A claim, and the job that it names. */
export type ExistingClaim = Omit<Extract<ClaimOutcome, { kind: 'claimed' }>, 'kind'>;

type ClaimDecision =
  /** The job exists: it is the answer to this request too. */
  | { readonly kind: 'repeat'; readonly record: JobRecord }
  /** The job does not exist yet: this request creates it. */
  | { readonly kind: 'help' }
  /** The claim is over: this request claims the key again. */
  | { readonly kind: 'replace' };

/**
 * Looks up the job that a claim names. A job that does not exist is kept from being created if the claim is to be replaced.
 *
 * @param canHelp whether this request can create the job under the ID of the claim.
 * @throws AsyncError `idempotency-key-reused` or `gone`.
 */
export async function decideClaim(
  claims: IdempotencyStore,
  claim: ExistingClaim,
  canHelp: boolean,
): Promise<ClaimDecision> {
  // A claim without a job after this time was abandoned, unless this request goes on with it.
  const isAbandoned = claim.ageMs > PROVISIONAL_MS && (!claim.isSameRequest || !canHelp);
  const found = await claims.lookUpJob(claim.id, {
    acknowledges: claim.isSameRequest,
    tombstoneMs: claim.isExpired || isAbandoned ? TOMBSTONE_MS : 0,
  });
  if (found.kind === 'rolled-back' || isOver(claim, found, isAbandoned)) {
    return { kind: 'replace' };
  }
  if (!claim.isSameRequest) {
    throw new AsyncError('idempotency-key-reused', {
      detail: 'This idempotency key was used with a different request. Use a new key for a new request.',
    });
  }
  switch (found.kind) {
    case 'job':
      if (found.record.readAt !== undefined) {
        throw gone();
      }
      return { kind: 'repeat', record: found.record };
    case 'not-created':
      return { kind: 'help' };
    case 'gone':
      throw gone();
  }
}

/** An expired claim holds as long as its job is open. */
function isOver(claim: ExistingClaim, found: LookupOutcome, isAbandoned: boolean): boolean {
  return (
    (claim.isExpired && (found.kind !== 'job' || isSettled(found.record.state))) ||
    (found.kind === 'not-created' && isAbandoned)
  );
}

const gone = (): AsyncError =>
  new AsyncError('gone', {
    detail:
      'The request was carried out before, and its result is no longer kept. It is not carried out again.',
  });
