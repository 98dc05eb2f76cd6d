// What the admin command looks after, in small: jobs accepted as the access side accepts them, a worker, an upstream,
// all under a key prefix of their own; and the command itself, as a process.
import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { newJobId } from '../../../plugins/async-request-reply/jobs/job-id';
import { QueueIndex } from '../../../plugins/async-request-reply/queue/queue-index';
import { DEFAULT_PRIORITY } from '../../../plugins/async-request-reply/queue/scheduler';
import { AccessStore } from '../../../plugins/async-request-reply/accept/access-store';
import { SecretStore } from '../../../plugins/async-request-reply/secrets/secret-store';
import { nameSettings, type JobSettings } from '../../../plugins/async-request-reply/jobs/job-settings';
import {
  openWorkerClient,
  type RedisSettings,
  type RedisClient,
} from '../../../plugins/async-request-reply/redis/redis-client';
import { isSettled, type JobRecord } from '../../../plugins/async-request-reply/jobs/job-record';
import { JobWorker } from '../../../plugins/async-request-reply/worker/worker';
import { runAdmin, type CommandResult } from '../../helpers/admin-command';
import { JOB_SETTINGS } from '../../helpers/job-settings';
import { newJob } from '../../helpers/new-job';
import { until } from '../../helpers/until';
import type { Upstream } from '../../helpers/upstream';
import { KeySpace } from '../../../plugins/async-request-reply/redis/keys';

const LAPSING = /:(stalled-check|sweeper|limiter|settled:\d+)$/;
const HOUR_MS = 3_600_000;

/** The Redis under a system, whatever it is. */
export interface SystemRedis {
  readonly settings: RedisSettings;
  /** The environment with which the command finds it. */
  readonly env: NodeJS.ProcessEnv;
  /** Every key that there is. */
  readonly keys: () => Promise<string[]>;
}

interface JobWishes {
  readonly id?: string;
  readonly queue?: string;
  readonly owner?: string;
  readonly path?: string;
  readonly settings?: Partial<JobSettings>;
}

export class AdminSystem {
  readonly prefix = `admin-${randomBytes(6).toString('hex')}`;
  readonly keys = new KeySpace(this.prefix);
  readonly client: RedisClient;
  readonly access: AccessStore;
  readonly index: QueueIndex;
  readonly #redis: SystemRedis;
  readonly #upstream: Upstream;
  #worker: JobWorker | undefined;

  constructor(redis: SystemRedis, upstream: Upstream) {
    this.#redis = redis;
    this.#upstream = upstream;
    this.client = openWorkerClient(redis.settings, () => undefined);
    this.access = new AccessStore(
      openWorkerClient(redis.settings, () => undefined),
      this.keys,
      5000,
    );
    this.index = new QueueIndex(this.client, this.keys);
  }

  /** A job of one attempt: on a path that answers 503 it ends as a dead letter. */
  async accept(wishes: JobWishes = {}): Promise<string> {
    const { queue = 'q', path = '/ok', id = newJobId() } = wishes;
    const named = nameSettings({ ...JOB_SETTINGS, ...wishes.settings, queue });
    const job = newJob({
      id,
      queue,
      owner: wishes.owner ?? 'consumer:alice',
      settingsHash: named.hash,
      body: Buffer.from('secret body'),
      deadlineMs: HOUR_MS,
      resultTtlMs: HOUR_MS,
      openTtlMs: 3 * HOUR_MS,
      request: {
        method: 'POST',
        path: `${path}?token=secret-query`,
        target: { scheme: 'http', host: '127.0.0.1', port: this.#upstream.port },
        headers: [
          ['host', 'h'],
          ['authorization', 'secret-header'],
          ['content-length', '11'],
          ['x-async-kong-id', id],
        ],
      },
    });
    await this.access.registerQueue(queue, named, job.openTtlMs);
    await this.access.accept(job, named, {
      priority: DEFAULT_PRIORITY,
      maxWaiting: 1000,
      maxPerCaller: 0,
      minReplicas: 0,
    });
    return id;
  }

  /** Jobs that a worker has made dead letters; the worker is stopped again. */
  async deadLetters(count: number, wishes: JobWishes = {}): Promise<string[]> {
    const path = wishes.path ?? `/dead-${randomBytes(4).toString('hex')}`;
    const ids: string[] = [];
    for (let made = 0; made < count; made += 1) {
      ids.push(await this.accept({ ...wishes, path }));
    }
    this.startWorker();
    for (const id of ids) {
      await this.left(id, wishes.queue ?? 'q');
    }
    await this.stopWorker();
    return ids;
  }

  startWorker(): void {
    this.#worker ??= JobWorker.start({
      redis: this.#redis.settings,
      keyPrefix: this.prefix,
      queues: [],
      leaseMs: 3000,
      stalledCheckMs: 200,
      secrets: new SecretStore(),
      log: pino({ level: 'silent' }),
    });
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.stop(0);
    this.#worker = undefined;
  }

  /** Waits until the job has settled. */
  settled(id: string): Promise<JobRecord> {
    return until(`job ${id} to settle`, async () => {
      const record = await this.access.jobs.read(id);
      return record !== undefined && isSettled(record.state) ? record : undefined;
    });
  }

  /** Waits until the job has settled and left the list of open jobs. */
  async left(id: string, queue = 'q'): Promise<JobRecord> {
    const record = await this.settled(id);
    await until('the job to leave', async () => !(await this.index.membership(queue, id)).open);
    return record;
  }

  /** Runs the command; options of Node.js come before its file. */
  admin(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
    return runAdmin(args, {
      ...this.#redis.env,
      ARR_KEY_PREFIX: this.prefix,
      ...env,
    });
  }

  /** The same with `--json`: what it printed, read. */
  async json(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<{ code: number; value: unknown }> {
    const { code, stdout } = await this.admin([...args, '--json'], env);
    return { code, value: JSON.parse(stdout) };
  }

  /**
   * Every key of this system with its value: equal before and after what must change nothing. Without keys that expire within
   * seconds by itself.
   */
  async dump(): Promise<Record<string, string>> {
    const keys = (await this.#redis.keys()).filter(
      (key) => key.startsWith(`${this.prefix}:`) && !LAPSING.test(key),
    );
    const values = await Promise.all(keys.map((key) => this.client.dumpBuffer(key)));
    return Object.fromEntries(keys.map((key, at) => [key, values[at]?.toString('hex') ?? '']));
  }

  async close(): Promise<void> {
    await this.stopWorker();
    await this.access.close();
    this.client.disconnect();
  }
}
