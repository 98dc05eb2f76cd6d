// Accepts one job, and knows what has to be rolled back if that fails.
//
// Without an idempotency key:
//
//   write ──created──▶ 202
//     ├──refused, duplicate──▶ an error; nothing was written
//     └──too late, unreplicated, Redis failed──▶ an error; the job is rolled back
//
// With an idempotency key there is one job for the key, however many requests with it arrive at once and wherever a process is
// killed. No request waits for another one: a request that finds the key claimed, and no job, continues with the job ID
// of the claim as if it had made the claim. The record is created once: it decides which request was first.
//
//   claim ──acquired──▶ write ──created──▶ 202      duplicate: another request was faster, or the job was rolled back
//     └──claimed──▶ look up ──job──▶ the same 202   otherwise 410 or 422: decide-claim.ts
//                     ├──not created──▶ write, with the job ID of the claim
//                     └──over──▶ claim again
//
// From the claim on until the key turns out to be claimed by another request, a failure rolls back job and claim. A job that
// was written under the ID of another request's claim is not rolled back: that request may be answered with it.
import { setTimeout as delay } from 'node:timers/promises';
import { AsyncError } from '../errors/async-error';
import type { CallbackOptions } from '../jobs/callback-options';
import { newJobId } from '../jobs/job-id';
import type { JobRecord } from '../jobs/job-record';
import type { NamedSettings } from '../jobs/job-settings';
import type { NewJob } from '../jobs/new-job';
import type { Claim } from '../queue/idempotency-store';
import { decideClaim, type ExistingClaim } from './decide-claim';
import { scheduleIfUnknown } from './job-control';
import type { PendingRollback } from './pending-rollbacks';
import { rollBack } from './roll-back';
import type { StoreContext } from './store-context';
import { isReplicated, writeJob, type Admission, type CreatedJob } from './write-job';

export type Acceptance =
  | CreatedJob
  /** The same request was accepted before, under the same idempotency key. */
  | { readonly kind: 'repeat'; readonly record: JobRecord };

/** A job to accept. */
interface Candidate {
  readonly job: NewJob;
  readonly settings: NamedSettings;
  readonly admission: Admission;
  /** The idempotency key of the request. */
  readonly claim?: Claim | undefined;
}

/** In each further round another request has made progress in between. */
const MAX_ROUNDS = 10;

/** How often a request looks for a job that another request is creating. */
const LOOKUP_INTERVAL_MS = 20;

export class JobAcceptor {
  readonly #context: StoreContext;
  readonly #candidate: Candidate;
  #toRollBack: PendingRollback | undefined;

  constructor(context: StoreContext, candidate: Candidate) {
    this.#context = context;
    this.#candidate = candidate;
  }

  /** The job that {@link accept} may have written by now and that has to be rolled back if it does not succeed in time. */
  get toRollBack(): PendingRollback | undefined {
    return this.#toRollBack;
  }

  /**
   * Accepts the job. To be called once.
   *
   * @param signal is aborted when the client has its 503.
   * @throws AsyncError `queue-full`, `too-many-jobs` or `store-unavailable`; with a claim also `idempotency-key-reused` or
   *   `gone`; and what Redis throws.
   */
  async accept(signal: AbortSignal): Promise<Acceptance> {
    if (signal.aborted) {
      // Nothing has been written that could be rolled back.
      throw tooLate();
    }
    const { claim } = this.#candidate;
    return claim === undefined ? this.#acceptOnce(signal) : this.#acceptClaimed(claim, signal);
  }

  async #acceptOnce(signal: AbortSignal): Promise<Acceptance> {
    const { job } = this.#candidate;
    this.#toRollBack = pendingRollback(job);
    const created = await this.#write(job, signal);
    if (created === undefined) {
      this.#toRollBack = undefined;
      throw new AsyncError('internal-error', { detail: 'The job ID is taken. Send the request again.' });
    }
    return created;
  }

  async #acceptClaimed(claim: Claim, signal: AbortSignal): Promise<Acceptance> {
    const { job } = this.#candidate;
    const { claims } = this.#context;
    // A request body that has been received is stored under the ID of its job.
    const canChangeId = job.body !== 'stored';
    let replaces = '';
    for (let round = 0; round < MAX_ROUNDS && !signal.aborted;) {
      const id = canChangeId && round > 0 ? newJobId() : job.id;
      this.#toRollBack = pendingRollback({ ...job, id }, claim);
      const outcome = await claims.claim(claim, {
        queue: job.queue,
        id,
        lifeMs: job.openTtlMs,
        replaces,
      });
      if (outcome.kind === 'acquired') {
        const created = await this.#writeClaimed({ id, claim, isAdopted: false }, signal);
        if (created !== undefined) {
          return created;
        }
      }
      this.#toRollBack = undefined;
      const existing = outcome.kind === 'claimed' ? outcome : ownClaim(id);
      const decision = await decideClaim(claims, existing, canChangeId);
      if (decision.kind === 'repeat') {
        return this.#repeat(decision.record);
      }
      replaces = decision.kind === 'replace' ? existing.id : '';
      if (decision.kind === 'help' && !canChangeId) {
        await delay(LOOKUP_INTERVAL_MS);
        continue;
      }
      round += 1;
      const created =
        decision.kind === 'help'
          ? await this.#writeClaimed({ id: existing.id, claim, isAdopted: true }, signal)
          : undefined;
      if (created !== undefined) {
        return created;
      }
    }
    throw inDispute();
  }

  #writeClaimed(
    { id, claim, isAdopted }: { id: string; claim: Claim; isAdopted: boolean },
    signal: AbortSignal,
  ): Promise<CreatedJob | undefined> {
    const idempotency = { claimKey: claim.key, ttlMs: claim.ttlMs, isAdopted };
    return this.#write({ ...withId(this.#candidate.job, id), idempotency }, signal);
  }

  /** @returns undefined if a record, or a tombstone, with this ID exists. */
  async #write(job: NewJob, signal: AbortSignal): Promise<CreatedJob | undefined> {
    const { settings, admission, claim } = this.#candidate;
    const outcome = await writeJob(this.#context, job, { settings, admission, signal });
    switch (outcome.kind) {
      case 'created':
        return outcome;
      case 'duplicate':
        return undefined;
      case 'refused':
        if (claim === undefined) {
          this.#toRollBack = undefined;
        }
        throw outcome.error;
      case 'too-late':
        throw tooLate();
      case 'unreplicated':
        if (job.idempotency?.isAdopted !== true) {
          // At once, so that nothing is left when the client has its answer. If this fails it is tried again later.
          await rollBack(this.#context, pendingRollback(job, claim)).catch(() => undefined);
        }
        throw unreplicated();
    }
  }

  async #repeat(record: JobRecord): Promise<Acceptance> {
    const { minReplicas } = this.#candidate.admission;
    if (minReplicas > 0 && !(await isReplicated(this.#context, record, minReplicas))) {
      throw unreplicated();
    }
    await scheduleIfUnknown(this.#context, record);
    return { kind: 'repeat', record };
  }
}

const pendingRollback = (
  { id, queue, owner }: Pick<NewJob, 'id' | 'queue' | 'owner'>,
  claim?: Claim,
): PendingRollback => ({ id, queue, owner, claimKey: claim?.key });

/** The claim of this request, under which there was a record, or a tombstone, already. */
const ownClaim = (id: string): ExistingClaim => ({ id, isSameRequest: true, isExpired: false, ageMs: 0 });

/** The job under another ID, which its links and a header field of its request contain. */
const withId = (job: NewJob, id: string): NewJob => ({
  ...job,
  id,
  callback:
    job.callback && (JSON.parse(JSON.stringify(job.callback).replaceAll(job.id, id)) as CallbackOptions),
  request: {
    ...job.request,
    headers: job.request.headers.map(([name, value]) => [name, value === job.id ? id : value] as const),
  },
});

const tooLate = (): AsyncError =>
  new AsyncError('store-unavailable', { detail: 'The job store came too late.', retryAfterSeconds: 5 });

const unreplicated = (): AsyncError =>
  new AsyncError('store-unavailable', {
    detail: 'Too few replicas of the job store have the job. It was not accepted; try again later.',
    retryAfterSeconds: 5,
  });

const inDispute = (): AsyncError =>
  new AsyncError('store-unavailable', {
    detail: 'The idempotency key is in dispute. Send the request again.',
    retryAfterSeconds: 1,
  });
