// A worker: finds the announced queues in Redis and runs their jobs. It needs no Kong. The executable
// kong/worker.ts and the plugin server's worker thread both start it here.
import type pino from 'pino';
import { knownQueues, parseControlMessage } from '../queue/queue-registry';
import { QueueIndex } from '../queue/queue-index';
import type { SecretStore } from '../secrets/secret-store';
import { KeySpace } from '../redis/keys';
import { JobStore } from '../jobs/job-store';
import { nameOfRedis, openWorkerClient, type RedisSettings } from '../redis/redis-client';
import { RedisProbe } from '../redis/redis-probe';
import { StorageQuota } from '../queue/storage-quota';
import { CallbackRunner } from '../callbacks/callback-runner';
import { AgentPool } from '../dispatch/http/agent-pool';
import type { Lease } from './lease';
import { MissingSecrets } from './missing-secrets';
import { QueueRunner } from './queue-runner';
import { removeUnusedQueue, unusedQueues } from './remove-unused-queue';
import { SettingsCache } from './settings-cache';
import type { WorkerContext } from './worker-context';

export interface WorkerOptions {
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  /** Which queues to take: exact names, or patterns with `*`. Empty is all. */
  readonly queues: readonly string[];
  readonly leaseMs: number;
  readonly stalledCheckMs: number;
  /** Those of the worker's own settings, and of the plugin instances beside it. */
  readonly secrets: SecretStore;
  readonly log: pino.Logger;
}

/** New queues are announced on a channel too; this finds those whose message was lost. */
const DISCOVER_MS = 2000;

export class JobWorker {
  readonly #context: WorkerContext;
  readonly #probe: RedisProbe;
  readonly #redisName: string;
  readonly #callbacks: CallbackRunner;
  readonly #subscriber: WorkerContext['redis'];
  readonly #takes: (queue: string) => boolean;
  readonly #runners = new Map<string, QueueRunner>();
  #discovering: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(options: WorkerOptions) {
    const onError = (error: Error): void => options.log.warn({ err: error.message }, 'redis connection');
    const redis = openWorkerClient(options.redis, onError);
    const keys = new KeySpace(options.keyPrefix);
    this.#subscriber = openWorkerClient(options.redis, onError);
    this.#takes = queueFilter(options.queues);
    this.#probe = new RedisProbe(redis, options.redis.read_timeout);
    this.#redisName = nameOfRedis(options.redis);
    this.#context = {
      redis,
      keys,
      jobs: new JobStore(redis, keys),
      index: new QueueIndex(redis, keys),
      quota: new StorageQuota(redis, keys),
      settings: new SettingsCache(redis, keys),
      secrets: options.secrets,
      missingSecrets: new MissingSecrets(options.log),
      agents: new AgentPool(),
      leases: new Map<string, Lease>(),
      leaseMs: options.leaseMs,
      stalledCheckMs: options.stalledCheckMs,
      log: options.log,
    };
    this.#callbacks = new CallbackRunner(this.#context, () => this.#runners.keys());
  }

  /** Starts a worker. Redis need not be there yet: the worker waits for it. */
  static start(options: WorkerOptions): JobWorker {
    const worker = new JobWorker(options);
    worker.#listen();
    options.secrets.onAdded(() => worker.#discover());
    worker.#timer = setInterval(() => worker.#discover(), DISCOVER_MS);
    worker.#discover();
    worker.#callbacks.start();
    return worker;
  }

  get #isStopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** Why it takes no jobs now; nothing when it does. */
  async reasons(): Promise<string[]> {
    const isStopping = this.#isStopping;
    const isThere = isStopping || (await this.#probe.answers());
    return [
      ...(isStopping ? ['draining'] : []),
      ...(isThere ? [] : [`Redis does not answer: ${this.#redisName}`]),
    ];
  }

  #listen(): void {
    const { keys, log, leases } = this.#context;
    this.#subscriber.on('message', (_channel: string, text: string) => {
      const message = parseControlMessage(text);
      if (message?.kind === 'queue') {
        this.#discover();
      } else if (message?.kind === 'cancel') {
        leases.get(message.id)?.stop('cancelled');
      }
    });
    this.#subscriber.subscribe(keys.controlChannel()).catch((error: unknown) => {
      log.warn({ err: String(error) }, 'control channel');
    });
  }

  #discover(): void {
    this.#discovering = this.#discovering.then(async () => {
      try {
        await this.#openRunners();
      } catch (error) {
        this.#context.log.warn({ err: String(error) }, 'queues could not be listed');
      }
    });
  }

  async #openRunners(): Promise<void> {
    if (this.#isStopping) {
      return;
    }
    const unused = await unusedQueues(this.#context);
    await this.#removeUnused(unused);
    const known = await knownQueues(this.#context.redis, this.#context.keys);
    for (const queue of known.filter((one) => this.#takes(one) && !unused.includes(one))) {
      if (this.#isStopping) {
        return;
      }
      try {
        await this.#open(queue);
      } catch (error) {
        // The next round tries again; the other queues are not to wait for that.
        this.#context.log.warn({ queue, err: String(error) }, 'queue could not be taken');
      }
    }
  }

  async #open(queue: string): Promise<void> {
    const running = this.#runners.get(queue);
    if (running !== undefined) {
      await running.refresh();
      return;
    }
    const runner = new QueueRunner(this.#context, queue);
    this.#runners.set(queue, runner);
    await runner.start();
    if (!this.#isStopping) {
      this.#context.log.info({ queue }, 'queue taken');
    }
  }

  async #removeUnused(unused: readonly string[]): Promise<void> {
    for (const queue of unused) {
      await this.#runners.get(queue)?.close();
      this.#runners.delete(queue);
      await removeUnusedQueue(this.#context, queue);
    }
  }

  /**
   * Takes no further jobs, waits up to `drainMs` for the calls that run, ends those that are left (they go back to
   * the queue, or settle as PROTOCOL's rules for an unknown outcome have it), and closes everything. Idempotent.
   */
  stop(drainMs: number): Promise<void> {
    this.#stopped ??= this.#stop(drainMs);
    return this.#stopped;
  }

  async #stop(drainMs: number): Promise<void> {
    clearInterval(this.#timer);
    const runners = [...this.#runners.values()].reverse();
    const end = setTimeout(() => {
      for (const lease of this.#context.leases.values()) {
        lease.stop('draining');
      }
    }, drainMs);
    await this.#closeQuietly([...runners.map((runner) => runner.pause()), this.#callbacks.stop()]);
    clearTimeout(end);
    await this.#closeQuietly(runners.map((runner) => runner.close()));
    await this.#context.agents.close();
    this.#subscriber.disconnect();
    this.#context.redis.disconnect();
  }

  async #closeQuietly(closing: Promise<void>[]): Promise<void> {
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === 'rejected') {
        this.#context.log.warn({ err: String(outcome.reason) }, 'closing');
      }
    }
  }
}

function queueFilter(patterns: readonly string[]): (queue: string) => boolean {
  const expressions = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern
          .split('*')
          .map((part) => part.replace(/[.\\]/g, '\\$&'))
          .join('.*')}$`,
      ),
  );
  return (queue) => expressions.length === 0 || expressions.some((expression) => expression.test(queue));
}
