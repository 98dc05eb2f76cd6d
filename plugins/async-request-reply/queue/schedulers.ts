// The scheduler's hold on each queue, opened at its first use.
import type { Queue } from 'bullmq';
import type { ScriptedRedis } from '../redis/scripts';
import { openScheduler } from './scheduler';

export class Schedulers {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;
  readonly #open = new Map<string, Queue>();

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  of(queue: string): Queue {
    let scheduler = this.#open.get(queue);
    if (scheduler === undefined) {
      scheduler = openScheduler(this.#redis, this.#prefix, queue);
      // A queue that could not say hello to Redis stays unusable: the next accept opens another.
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
