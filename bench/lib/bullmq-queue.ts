// BullMQ without the plugin, as the peer of the drain: a queue that this process fills, and its workers.
import path from 'node:path';
import { Queue, type JobsOptions } from 'bullmq';
import type { RedisServer } from '../../spec/helpers/redis-server';
import { WorkerProcess } from './worker-process';

const SCRIPT = path.join(__dirname, '../peers/bullmq-worker.js');

/** Jobs that one command adds. */
const BULK = 1000;

export class BullQueue {
  readonly #redis: RedisServer;
  readonly #name: string;
  readonly #queue: Queue;

  constructor(redis: RedisServer, name: string) {
    this.#redis = redis;
    this.#name = name;
    this.#queue = new Queue(name, { connection: { host: redis.host, port: redis.port } });
  }

  async add(count: number, data: unknown, options: JobsOptions): Promise<void> {
    for (let added = 0; added < count; added += BULK) {
      const bulk = Math.min(BULK, count - added);
      await this.#queue.addBulk(Array.from({ length: bulk }, () => ({ name: 'job', data, opts: options })));
    }
  }

  /** Jobs that wait or run. */
  async open(): Promise<number> {
    return await this.#queue.getJobCountByTypes('wait', 'active', 'prioritized');
  }

  /** @param upstreamUrl what a job calls; without it a job does nothing */
  startWorker(concurrency: number, upstreamUrl?: string): WorkerProcess {
    const words = [SCRIPT, String(this.#redis.port), this.#name, String(concurrency)];
    return WorkerProcess.start(upstreamUrl === undefined ? words : [...words, upstreamUrl]);
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}
