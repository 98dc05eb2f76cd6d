// Who is to be told when a job settles. A job is put on its queue's list when it is accepted; its settling, wherever that
// happens, keeps the record as it is beside itself (record.lua), and its leave brings the look forward (remove_job.lua). So no crash in
// between loses a callback: whoever looks finds what settled, or waits for it.
import { parseJobRecord, type JobRecord } from '../jobs/job-record';
import { NO_KEYS, type KeySource } from '../secrets/encryption-keys';
import { decodeCallbackOptions, type CallbackOptions } from '../jobs/callback-options';
import type { KeySpace } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** A job that a worker looks at alone, until `hold` is over by the clock of Redis. */
export interface DueCallback {
  readonly id: string;
  readonly invisibleUntil: number;
  /** The time of Redis, in ms. */
  readonly now: number;
}

/** What has settled and is to be told. */
export interface Settlement {
  readonly record: JobRecord;
  readonly run: string;
  readonly options: CallbackOptions;
  /** Tries so far. */
  readonly tries: number;
}

export class CallbackStore {
  readonly #redis: ScriptedRedis;
  readonly #keys: KeySpace;
  readonly #keySource: KeySource;

  /** @param keySource where those of sealed terms are looked for. */
  constructor(redis: ScriptedRedis, keys: KeySpace, keySource: KeySource = NO_KEYS) {
    this.#redis = redis;
    this.#keys = keys;
    this.#keySource = keySource;
  }

  /** Takes what is due in a queue. */
  async take(queue: string, invisibleMs: number, count: number): Promise<DueCallback[]> {
    const [now, invisibleUntil, ...ids] = await this.#redis.arrCallbacksTake(
      this.#keys.callbacks(queue),
      invisibleMs,
      count,
    );
    return ids.map((id) => ({ id, invisibleUntil: Number(invisibleUntil), now: Number(now) }));
  }

  /**
   * What there is to tell of a job; undefined where it has not settled, or its callback is over.
   *
   * @throws KeyMissingError, PayloadAlteredError
   */
  async settlement(id: string): Promise<Settlement | undefined> {
    const fields = await this.#redis.hgetall(this.#keys.callback(id));
    const record = parseJobRecord(id, fields);
    const { callback, run = '1', callback_tries: tries = '0' } = fields;
    return record === undefined || callback === undefined
      ? undefined
      : { record, run, options: decodeCallbackOptions(id, callback, this.#keySource), tries: Number(tries) };
  }

  /** Counts a try that failed, and comes again after `delayMs`. */
  async retry(queue: string, due: DueCallback, delayMs: number): Promise<void> {
    const key = this.#keys.callback(due.id);
    // Not where it has gone meanwhile: a hash of this alone would have no TTL.
    if ((await this.#redis.exists(key)) === 1) {
      await this.#redis.hincrby(key, 'callback_tries', 1);
    }
    await this.postpone(queue, due, delayMs);
  }

  /** Comes again after `delayMs`. */
  async postpone(
    queue: string,
    { id, invisibleUntil: invisibleUntil }: DueCallback,
    delayMs: number,
  ): Promise<void> {
    await this.#redis.arrCallbacksPut(this.#keys.callbacks(queue), id, invisibleUntil, Math.ceil(delayMs));
  }

  /** It was told, or will not be. @param run undefined: there was nothing to tell. */
  async remove(
    queue: string,
    { id, invisibleUntil: invisibleUntil }: DueCallback,
    run?: string,
  ): Promise<void> {
    if (run !== undefined) {
      await this.#redis.arrCallbackDrop(this.#keys.callback(id), run);
    }
    await this.#redis.arrCallbacksPut(this.#keys.callbacks(queue), id, invisibleUntil, '');
  }
}
