// The callbacks of jobs in Redis. A job with a callback is put on its queue's list when it is accepted. When the job settles,
// by whatever process, a copy of its record is stored (jobs/lua/record.lua), and when it is removed from its queue the callback
// becomes due (queue/lua/remove_job.lua). So a crash in between loses no callback: a worker that looks finds the copy, or waits
// for it.
import { decodeCallbackOptions, type CallbackOptions } from '../jobs/callback-options';
import { parseJobRecord, type JobRecord } from '../jobs/job-record';
import type { KeySpace } from '../redis/keys';
import type { RedisClient } from '../redis/redis-client';
import { NO_KEYS, type KeySource } from '../secrets/encryption-keys';
import { dropCallback, putCallback, takeCallbacks } from './callback-scripts';

/** A callback that one worker has taken. */
export interface DueCallback {
  readonly id: string;
  /** Other workers do not see it until then, by the clock of Redis. */
  readonly invisibleUntil: number;
  /** The time of Redis, in ms. */
  readonly now: number;
}

/** A job that has settled, and how to report it. */
export interface Settlement {
  readonly record: JobRecord;
  readonly run: string;
  readonly options: CallbackOptions;
  /** Deliveries that have failed. */
  readonly tries: number;
}

export class CallbackStore {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;
  readonly #keySource: KeySource;

  /** @param keySource has the encryption keys of callback options that are sealed. */
  constructor(redis: RedisClient, keys: KeySpace, keySource: KeySource = NO_KEYS) {
    this.#redis = redis;
    this.#keys = keys;
    this.#keySource = keySource;
  }

  /** Takes callbacks of a queue that are due. */
  async take(queue: string, invisibleMs: number, count: number): Promise<DueCallback[]> {
    const { now, invisibleUntil, ids } = await takeCallbacks(this.#redis, {
      keys: this.#keys,
      queue,
      invisibleMs,
      count,
    });
    return ids.map((id) => ({ id, invisibleUntil, now }));
  }

  /**
   * What the callback of a job reports; undefined if the job has not settled, or its callback has expired.
   *
   * @throws KeyMissingError, PayloadAlteredError
   */
  async settlement(id: string): Promise<Settlement | undefined> {
    const fields = await this.#redis.hgetall(this.#keys.callback(id));
    const record = parseJobRecord(id, fields);
    const { callback, run = '1', callback_tries: tries = '0' } = fields;
    if (record === undefined || callback === undefined) {
      return undefined;
    }
    return {
      record,
      run,
      options: decodeCallbackOptions(id, callback, this.#keySource),
      tries: Number(tries),
    };
  }

  /** Counts a delivery that failed. The callback is due again after `delayMs`. */
  async retry(queue: string, due: DueCallback, delayMs: number): Promise<void> {
    const key = this.#keys.callback(due.id);
    // If the copy has expired, HINCRBY would create a hash without a TTL.
    if ((await this.#redis.exists(key)) === 1) {
      await this.#redis.hincrby(key, 'callback_tries', 1);
    }
    await this.postpone(queue, due, delayMs);
  }

  /** The callback is due again after `delayMs`. */
  async postpone(queue: string, { id, invisibleUntil }: DueCallback, delayMs: number): Promise<void> {
    await putCallback(this.#redis, { keys: this.#keys, queue, id, invisibleUntil, delayMs });
  }

  /** The callback was delivered, or will not be. @param run undefined: there was nothing to deliver. */
  async remove(queue: string, { id, invisibleUntil }: DueCallback, run?: string): Promise<void> {
    if (run !== undefined) {
      await dropCallback(this.#redis, { keys: this.#keys, id, run });
    }
    await putCallback(this.#redis, { keys: this.#keys, queue, id, invisibleUntil, delayMs: undefined });
  }
}
