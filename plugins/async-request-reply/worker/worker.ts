// A worker: finds the registered queues in Redis, runs their jobs and delivers their callbacks. It does not need Kong. The
// executable kong/worker.ts and the plugin server's worker threads start it here.
import type pino from 'pino';
import { knownQueues, parseControlMessage } from '../queue/queue-registry';
import { serializeError } from '../errors/serialize-error';
import { QueueIndex } from '../queue/queue-index';
import type { SecretStore } from '../secrets/secret-store';
import { KeySpace } from '../redis/keys';
import { JobStore } from '../jobs/job-store';
import { nameOfRedis, openWorkerClient, type RedisSettings } from '../redis/redis-client';
import { RedisProbe } from '../redis/redis-probe';
import { StorageQuota } from '../queue/storage-quota';
import { CallbackRunner } from '../callbacks/callback-runner';
import { HttpDispatcher } from '../dispatch/http/http-dispatcher';
import type { Lease } from './lease';
import { MissingSecrets } from './missing-secrets';
import { QueueRunner } from './queue-runner';
import { removeUnusedQueue, unusedQueues } from './remove-unused-queue';
import { SettingsCache } from './settings-cache';
import type { WorkerContext } from './worker-context';

export interface WorkerOptions {
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  /** The queues whose jobs it takes: exact names, or patterns with `*`. Empty: all queues. */
  readonly queues: readonly string[];
  readonly leaseMs: number;
  readonly stalledCheckMs: number;
  /** The secrets of the worker's own settings, and of the plugin instances in the same process. */
  readonly secrets: SecretStore;
  readonly log: pino.Logger;
}

/** How often registered queues are read. A new queue is also published on a channel: this finds it if the message was lost. */
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
    // Errors of ioredis contain the command that failed with all its arguments: secrets and bodies.
    const log = options.log.child({}, { serializers: { err: serializeError } });
    const onError = (error: Error): void =>
      log.warn({ err: error }, 'a connection to Redis failed; it is opened again until Redis answers');
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
      missingSecrets: new MissingSecrets(log),
      dispatcher: new HttpDispatcher(options.keyPrefix),
      leases: new Map<string, Lease>(),
      leaseMs: options.leaseMs,
      stalledCheckMs: options.stalledCheckMs,
      log,
    };
    this.#callbacks = new CallbackRunner(this.#context, () => this.#runners.keys());
  }

  /** Starts a worker. Redis does not have to be available yet: the worker waits for it. */
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

  /** Returns why the worker takes no jobs at the moment; nothing if it does. */
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
      log.warn(
        { err: error },
        'the control channel was not subscribed to; new queues and cancellations are seen with a delay',
      );
    });
  }

  #discover(): void {
    this.#discovering = this.#discovering.then(async () => {
      try {
        await this.#openRunners();
      } catch (error) {
        this.#context.log.warn(
          { err: error },
          'the registered queues were not read; they are read again in two seconds',
        );
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
        // The other queues do not wait for this one.
        this.#context.log.warn(
          { queue, err: error },
          'a queue was not opened; it is tried again in two seconds',
        );
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
      this.#context.log.info({ queue }, 'this worker takes jobs of a queue from now on');
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
   * Takes no further jobs, waits up to `drainMs` for the calls that run, aborts those that are left, and closes everything.
   * A job whose call was aborted returns to its queue if its request may be repeated; otherwise it fails with
   * `outcome-unknown`. Idempotent.
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
    await this.#context.dispatcher.close();
    this.#subscriber.disconnect();
    this.#context.redis.disconnect();
  }

  async #closeQuietly(closing: Promise<void>[]): Promise<void> {
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === 'rejected') {
        this.#context.log.warn(
          { err: outcome.reason as unknown },
          'a part of the worker did not close in order; the shutdown goes on',
        );
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
