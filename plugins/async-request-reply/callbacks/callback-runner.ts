// Delivers webhooks for settled jobs, at least once. It checks the callback lists of the queues that this worker takes. A delivery that
// fails is retried for a day, and one whose worker dies is repeated by another worker.
//
//   due ──take──▶ invisible to other workers ──job open, host busy or secret missing──▶ postponed
//                   ├──delivered, unwanted (410), or nothing to deliver──▶ removed
//                   └──failed──▶ postponed with backoff; after a day removed
import type pino from 'pino';
import { keysAmong } from '../secrets/encryption-keys';
import type { SecretStore } from '../secrets/secret-store';
import { loggableJobId } from '../jobs/job-id';
import { isSettled } from '../jobs/job-record';
import type { JobStore } from '../jobs/job-store';
import { statusBody } from '../jobs/status-body';
import { CallbackStore, type DueCallback, type Settlement } from './callback-store';
import { KeyMissingError, PayloadAlteredError } from '../payloads/payload-errors';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import { CallbackCaller, type TryOutcome } from './callback-caller';
import { signedFields } from './sign-webhook';
import { TrySlots } from './try-slots';

/** How often the list of each queue is checked. */
const CHECK_INTERVAL_MS = 1000;

/** Longer than a try takes. After it another worker may repeat the try. */
const INVISIBLE_MS = 60_000;

/** Callbacks taken from a queue's list at once. */
const BATCH_SIZE = 20;

/** A postponed callback may be due again before the end of the list is reached. */
const MAX_PER_CHECK = 1000;

const GIVE_UP_AFTER_MS = 86_400_000;

/** Delays between tries: 1 s, 4 s, 16 s… up to 4 hours, each shortened by up to a half at random. */
const FIRST_DELAY_MS = 1000;
const DELAY_FACTOR = 4;
const MAX_DELAY_MS = 14_400_000;

/** Delay if this worker lacks the secret that signs: another worker may have it. */
const MISSING_SECRET_DELAY_MS = 2000;

/** Delay if the job has not settled. When it settles it is due at once. */
const OPEN_DELAY_MS = 60_000;

/** Returns the delay before the next try. @param tries failed tries, from 1. */
export const retryDelayMs = (tries: number, requestedMs = 0, random: () => number = Math.random): number =>
  Math.max(
    Math.min(requestedMs, MAX_DELAY_MS),
    Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * DELAY_FACTOR ** (tries - 1)) * (1 - random() / 2),
  );

/** What the callbacks of a worker need of it. */
interface CallbackContext {
  readonly redis: RedisClient;
  readonly keys: KeySpace;
  readonly jobs: JobStore;
  /** The callback secrets, and the keys of encrypted options. */
  readonly secrets: SecretStore;
  readonly log: pino.Logger;
}

export class CallbackRunner {
  readonly #context: CallbackContext;
  readonly #queues: () => Iterable<string>;
  readonly #store: CallbackStore;
  readonly #caller = new CallbackCaller();
  readonly #missing = new Set<string>();
  readonly #slots = new TrySlots();
  readonly #tries = new Set<Promise<void>>();
  #isStopping = false;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  /** @param queues returns the queues that the worker takes at the moment. */
  constructor(context: CallbackContext, queues: () => Iterable<string>) {
    this.#context = context;
    this.#queues = queues;
    this.#store = new CallbackStore(context.redis, context.keys, keysAmong(context.secrets));
  }

  start(): void {
    this.#timer ??= setTimeout(() => {
      this.#round = this.#checkAll().finally(() => {
        if (this.#timer !== undefined) {
          this.#timer = undefined;
          this.start();
        }
      });
    }, CHECK_INTERVAL_MS);
  }

  /** Starts no more tries, and ends those that are under way. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#caller.close();
    await this.#round;
    await Promise.all(this.#tries);
  }

  /** Does not wait for tries: a slow receiver does not delay others. */
  async #checkAll(): Promise<void> {
    for (const queue of this.#queues()) {
      await this.#warnOf(queue, this.#check(queue));
    }
  }

  async #check(queue: string): Promise<void> {
    for (let taken = 0; taken < MAX_PER_CHECK && !this.#isStopping && this.#slots.free > 0;) {
      const due = await this.#store.take(queue, INVISIBLE_MS, Math.min(BATCH_SIZE, this.#slots.free));
      if (due.length === 0) {
        return;
      }
      taken += due.length;
      await Promise.all(due.map((one) => this.#warnOf(queue, this.#attend(queue, one))));
    }
  }

  async #warnOf(queue: string, work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      this.#context.log.warn(
        { queue, err: error },
        'callbacks of a queue could not be processed; they are tried again within a minute',
      );
    });
  }

  /** Begins a try, or postpones it. */
  async #attend(queue: string, due: DueCallback): Promise<void> {
    // In this order: the settlement of a job that had settled when the record was read is stored by now.
    const record = await this.#context.jobs.read(due.id);
    let settlement: Settlement | undefined;
    try {
      settlement = await this.#store.settlement(due.id);
    } catch (error) {
      await this.#postponeUnreadable(queue, due, error);
      return;
    }
    if (settlement === undefined) {
      // Not settled yet; or delivered, rolled back, or purged.
      const isOpen = record !== undefined && !isSettled(record.state);
      await (isOpen ? this.#store.postpone(queue, due, OPEN_DELAY_MS) : this.#store.remove(queue, due));
      return;
    }
    const secret = this.#context.secrets.get(settlement.options.secret);
    if (secret === undefined) {
      this.#reportMissing(queue, `callback secret (fingerprint ${settlement.options.secret})`);
      await this.#store.postpone(queue, due, MISSING_SECRET_DELAY_MS);
      return;
    }
    const { host } = new URL(settlement.options.url);
    const release = this.#slots.take(host);
    if (release === undefined) {
      await this.#store.postpone(queue, due, this.#slots.waitMs(host));
      return;
    }
    const attempted = this.#try(settlement, secret).then((outcome) =>
      this.#conclude(queue, due, settlement, outcome),
    );
    const trying = this.#warnOf(queue, attempted).finally(() => {
      release();
      this.#tries.delete(trying);
    });
    this.#tries.add(trying);
  }

  #try({ record, run, options }: Settlement, secret: string): Promise<TryOutcome> {
    const body = statusBody(record, options.links).toString();
    const fields = signedFields(`${record.id}_${run}`, Math.floor(Date.now() / 1000), body, secret);
    return this.#caller.try(options.url, options.allowPrivate, fields, body);
  }

  async #conclude(
    queue: string,
    due: DueCallback,
    { record, run, tries }: Settlement,
    outcome: TryOutcome,
  ): Promise<void> {
    if (outcome.kind !== 'failed') {
      await this.#store.remove(queue, due, run);
      return;
    }
    const delayMs = retryDelayMs(tries + 1, outcome.retryAfterMs);
    const job = loggableJobId(record.id);
    const log = { queue, job, tries: tries + 1, why: outcome.why };
    if (due.now + delayMs > (record.settledAt ?? 0) + GIVE_UP_AFTER_MS) {
      this.#context.log.warn(log, 'a callback failed for a day; it is dropped');
      await this.#store.remove(queue, due, run);
      return;
    }
    this.#context.log.info(log, 'a try of a callback failed; it is tried again later');
    await this.#store.retry(queue, due, delayMs);
  }

  /** Postpones a callback whose options this worker lacks the key for, and removes one whose options were altered. */
  async #postponeUnreadable(queue: string, due: DueCallback, error: unknown): Promise<void> {
    if (error instanceof KeyMissingError) {
      this.#reportMissing(queue, `encryption.keys (fingerprint ${error.keyId})`);
      await this.#store.postpone(queue, due, MISSING_SECRET_DELAY_MS);
      return;
    }
    if (!(error instanceof PayloadAlteredError)) {
      throw withoutText(error);
    }
    this.#context.log.error(
      { queue, job: loggableJobId(due.id), err: error },
      'the options of a callback cannot be decrypted; the callback is dropped',
    );
    await this.#store.remove(queue, due);
  }

  #reportMissing(queue: string, missing: string): void {
    if (!this.#missing.has(missing)) {
      this.#missing.add(missing);
      this.#context.log.warn(
        { queue, lacks: missing },
        'this worker lacks a secret; it leaves the callbacks that need it to other workers',
      );
    }
  }
}

/** The message of a JSON error quotes the text, and the options of a callback contain its URL, which may carry a token. */
const withoutText = (error: unknown): unknown =>
  error instanceof SyntaxError ? new Error('the stored options of a callback are not JSON') : error;
