// Tells those who asked for it that a job has settled: looks through the lists of the queues that this worker takes, again and
// again for a day where a receiver does not take it. At least once: a worker that dies in between leaves it to the next.
import { keysAmong } from '../secrets/encryption-keys';
import type { SecretStore } from '../secrets/secret-store';
import { loggableJobId } from '../jobs/job-id';
import { isSettled } from '../jobs/job-record';
import { statusBody } from '../jobs/status-body';
import { CallbackStore, type DueCallback, type Settlement } from './callback-store';
import { KeyMissingError, PayloadAlteredError } from '../payloads/payload-errors';
import type { WorkerContext } from '../worker/worker-context';
import { CallbackCaller, type TryOutcome } from './callback-caller';
import { signedFields } from './sign-webhook';
import { TrySlots } from './try-slots';

/** How often each queue's list is looked at. */
const CHECK_INTERVAL_MS = 1000;

/** Longer than a try takes: then another worker may make it again. */
const INVISIBLE_MS = 60_000;

/** Taken from a queue's list in one go. */
const BATCH_SIZE = 20;
/** What is put off may be due again before the list has been gone through. */
const MAX_PER_CHECK = 1000;

const GIVE_UP_AFTER_MS = 86_400_000;

/** Waits between tries: 1 s, 4 s, 16 s… up to 4 hours, each cut by up to a half at random. */
const FIRST_WAIT_MS = 1000;
const WAIT_FACTOR = 4;
const MAX_WAIT_MS = 14_400_000;

/** Where the secret that signs is not here: another worker may have it. */
const MISSING_SECRET_WAIT_MS = 2000;

/** A look at a job that has not settled; its leave brings the next one forward. */
const OPEN_WAIT_MS = 60_000;

/** @param tries that failed, from 1. */
export const waitMs = (tries: number, requestedMs = 0, random: () => number = Math.random): number =>
  Math.max(
    Math.min(requestedMs, MAX_WAIT_MS),
    Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * WAIT_FACTOR ** (tries - 1)) * (1 - random() / 2),
  );

type RunnerContext = Pick<WorkerContext, 'redis' | 'keys' | 'jobs' | 'log'> & {
  readonly secrets: SecretStore;
};

export class CallbackRunner {
  readonly #context: RunnerContext;
  readonly #queues: () => Iterable<string>;
  readonly #store: CallbackStore;
  readonly #caller = new CallbackCaller();
  readonly #missing = new Set<string>();
  readonly #slots = new TrySlots();
  readonly #tries = new Set<Promise<void>>();
  #isStopping = false;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  /** @param queues those that the worker takes at the moment. */
  constructor(context: RunnerContext, queues: () => Iterable<string>) {
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

  /** Takes no more; tries that are under way end within their limits. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#caller.close();
    await this.#round;
    await Promise.all(this.#tries);
  }

  /** Does not wait for tries: a receiver that is slow holds up no other. */
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
        { queue, err: String(error) },
        'callbacks could not be looked after: they come again',
      );
    });
  }

  /** Begins a try of what there is to tell, or puts it off. */
  async #attend(queue: string, due: DueCallback): Promise<void> {
    // In this order: of a job that had settled, what is to be told was there.
    const record = await this.#context.jobs.read(due.id);
    let settlement: Settlement | undefined;
    try {
      settlement = await this.#store.settlement(due.id);
    } catch (error) {
      await this.#postponeUnreadable(queue, due, error);
      return;
    }
    if (settlement === undefined) {
      // Not settled yet; or told, taken back, or purged.
      const isOpen = record !== undefined && !isSettled(record.state);
      await (isOpen ? this.#store.postpone(queue, due, OPEN_WAIT_MS) : this.#store.remove(queue, due));
      return;
    }
    const secret = this.#context.secrets.get(settlement.options.secret);
    if (secret === undefined) {
      this.#reportMissing(queue, `callback secret (fingerprint ${settlement.options.secret})`);
      await this.#store.postpone(queue, due, MISSING_SECRET_WAIT_MS);
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

  #try({ record, run, options: terms }: Settlement, secret: string): Promise<TryOutcome> {
    const body = statusBody(record, terms.links).toString();
    const fields = signedFields(`${record.id}_${run}`, Math.floor(Date.now() / 1000), body, secret);
    return this.#caller.try(terms.url, terms.allowPrivate, fields, body);
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
    const delayMs = waitMs(tries + 1, outcome.retryAfterMs);
    const job = loggableJobId(record.id);
    const log = { queue, job, tries: tries + 1, why: outcome.why };
    if (due.now + delayMs > (record.settledAt ?? 0) + GIVE_UP_AFTER_MS) {
      this.#context.log.warn(log, 'callback given up after a day');
      await this.#store.remove(queue, due, run);
      return;
    }
    this.#context.log.info(log, 'callback not taken: it comes again');
    await this.#store.retry(queue, due, delayMs);
  }

  /** What was agreed cannot be decrypted: another worker may have the key; what was altered nobody can tell. */
  async #postponeUnreadable(queue: string, due: DueCallback, error: unknown): Promise<void> {
    if (error instanceof KeyMissingError) {
      this.#reportMissing(queue, `encryption.keys (fingerprint ${error.keyId})`);
      await this.#store.postpone(queue, due, MISSING_SECRET_WAIT_MS);
      return;
    }
    if (!(error instanceof PayloadAlteredError)) {
      throw error;
    }
    this.#context.log.error({ queue, job: loggableJobId(due.id), err: error.message }, 'callback given up');
    await this.#store.remove(queue, due);
  }

  #reportMissing(queue: string, missing: string): void {
    if (!this.#missing.has(missing)) {
      this.#missing.add(missing);
      this.#context.log.warn(
        { queue, lacks: missing },
        'a secret is missing here: its callbacks are left to other workers',
      );
    }
  }
}
