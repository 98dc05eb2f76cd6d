// BullMQ's queues, each opened at its first use.
import type { Queue } from 'bullmq';
import type { RedisClient } from '../redis/redis-client';
import { openScheduler } from './scheduler';
import type { KeySpace } from '../redis/keys';

export class Schedulers {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;
  readonly #open = new Map<string, Queue>();

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  of(queue: string): Queue {
    let scheduler = this.#open.get(queue);
    if (scheduler === undefined) {
      scheduler = openScheduler(this.#redis, this.#keys, queue);
      // A queue that could not be opened stays unusable: the next accept opens another.
      const close = (): boolean => this.#open.delete(queue);
      scheduler.waitUntilReady().catch(close);
      this.#open.set(queue, scheduler);
    }
    return scheduler;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map((scheduler) => scheduler.close()));
    this.#open.clear();
  }
}
