// How many bytes of bodies lie in Redis for a queue, over all processes: of each job what is stored of its request and its
// response, as long as it is. A limit is for what comes in: work that has been done is counted and never refused.
//
//   reserve.lua, bytes_hold ──add_job.lua──▶ request ──bytes_weigh──▶ request and last response
//                                             └──remove_job.lua──▶ what the settled job keeps ──bytes_keep──▶ less
//
// An entry goes by itself when the job's keys do. Each change may be repeated, and one that was lost with its process is
// made up for by the next, or by that time.
import { placesKey, openJobsKey } from '../redis/keys';
import type { ScriptedRedis } from '../redis/scripts';

/** `lapsesInMs`: until some of the bytes go by themselves. */
export type HoldOutcome =
  { readonly kind: 'held' } | { readonly kind: 'bytes-full'; readonly lapsesInMs: number };

export class StoredBytes {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /**
   * Counts the body of an upload, for `lifeMs`: `bytes` is all of it that is known of by now.
   *
   * @param maxBytes of the queue; 0 is no limit.
   */
  async hold(
    queue: string,
    id: string,
    bytes: number,
    maxBytes: number,
    lifeMs: number,
  ): Promise<HoldOutcome> {
    const [kind, lapsesInMs] = await this.#redis.arrBytesHold(
      placesKey(this.#prefix, queue),
      ...[id, bytes, maxBytes, lifeMs],
    );
    return kind === 'held' ? { kind } : { kind: 'bytes-full', lapsesInMs: Number(lapsesInMs) };
  }

  /**
   * Counts what is left of a job after something of it was removed; 0 forgets the job.
   *
   * @param withinMs when that goes by itself at the latest.
   */
  async keep(queue: string, id: string, bytes: number, withinMs?: number): Promise<void> {
    await this.#redis.arrBytesKeep(placesKey(this.#prefix, queue), id, bytes, withinMs ?? '');
  }

  /** Counts anew what is stored of an open job. */
  async weigh(queue: string, id: string, bytes: number): Promise<void> {
    const keys = [placesKey(this.#prefix, queue), openJobsKey(this.#prefix, queue)] as const;
    await this.#redis.arrBytesWeigh(...keys, id, bytes);
  }

  /** Forgets what has gone by itself. An accept does the same where it needs the room. */
  async lapse(queue: string): Promise<void> {
    while ((await this.#redis.arrBytesLapse(placesKey(this.#prefix, queue))) > 0) {
      // A batch at a time, so that nobody waits for long.
    }
  }

  async total(queue: string): Promise<number> {
    return this.#redis.arrBytesTotal(placesKey(this.#prefix, queue));
  }
}
