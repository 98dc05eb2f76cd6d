// A queue with a count of its stored bytes, under a key prefix of its own. It submits jobs as the access side does and runs them
// as a worker does. Time passes by moving the entries of the count into the past.
import { randomBytes } from 'node:crypto';
import { purgeJob } from '../../../plugins/async-request-reply/queue/purge-job';
import { QueueIndex } from '../../../plugins/async-request-reply/queue/queue-index';
import type { RedriveContext } from '../../../plugins/async-request-reply/queue/redrive-job';
import { openScheduler } from '../../../plugins/async-request-reply/queue/scheduler';
import { AccessStore } from '../../../plugins/async-request-reply/accept/access-store';
import type { Acceptance } from '../../../plugins/async-request-reply/accept/job-acceptor';
import type { Claim } from '../../../plugins/async-request-reply/queue/idempotency-store';
import type { AttemptEnd, SettleOutcome } from '../../../plugins/async-request-reply/jobs/job-outcomes';
import { nameSettings } from '../../../plugins/async-request-reply/jobs/job-settings';
import { JobStore } from '../../../plugins/async-request-reply/jobs/job-store';
import type { Admission } from '../../../plugins/async-request-reply/accept/write-job';
import { KeySpace } from '../../../plugins/async-request-reply/redis/keys';
import type { NewJob } from '../../../plugins/async-request-reply/jobs/new-job';
import { openWorkerClient, type RedisClient } from '../../../plugins/async-request-reply/redis/redis-client';
import { StorageQuota } from '../../../plugins/async-request-reply/queue/storage-quota';
import { resolveConfig } from '../../../schemas/resolve-config';
import { CommandHold } from '../../helpers/cut-commands';
import { JOB_SETTINGS } from '../../helpers/job-settings';
import { newJob } from '../../helpers/new-job';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const QUEUE = 'q';
export const BODY = 1000;
export const RESPONSE = 700;
const OWNER = 'consumer:c';

const NAMED = nameSettings({ ...JOB_SETTINGS, queue: QUEUE });

interface SubmitWishes {
  readonly bytes?: number;
  /** The limit of the queue; 0 means no limit. */
  readonly limit?: number;
  readonly claim?: Claim;
  readonly job?: Partial<NewJob>;
}

/** A plugin server: a store on a connection of its own, whose commands can be stopped. */
interface Gateway {
  readonly store: AccessStore;
  readonly client: RedisClient;
  readonly hold: CommandHold;
}

const idOf = (acceptance: Acceptance): string =>
  acceptance.kind === 'created' ? acceptance.id : acceptance.record.id;

export const codeOf = (submitting: Promise<unknown>): Promise<string> =>
  submitting.then(
    () => 'accepted',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

export const jobOf = (body: NewJob['body'], more: Partial<NewJob> = {}): NewJob =>
  newJob({
    queue: QUEUE,
    owner: OWNER,
    settingsHash: NAMED.hash,
    body,
    maxAttempts: 3,
    deadlineMs: MINUTE,
    resultTtlMs: HOUR,
    openTtlMs: 2 * HOUR,
    ...more,
  });

export class BytesSystem {
  readonly prefix = `bytes-${randomBytes(6).toString('hex')}`;
  readonly keys = new KeySpace(this.prefix);
  readonly redis: RedisClient;
  readonly stored: StorageQuota;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly #port: number;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(port: number) {
    this.#port = port;
    this.redis = this.open();
    this.stored = new StorageQuota(this.redis, this.keys);
    this.jobs = new JobStore(this.redis, this.keys);
    this.index = new QueueIndex(this.redis, this.keys);
  }

  open(): RedisClient {
    return openWorkerClient(resolveConfig({ redis: { port: this.#port } }).redis, () => undefined);
  }

  gateway(limitMs = 20_000): Gateway {
    const client = this.open();
    const hold = new CommandHold(client);
    const store = new AccessStore(client, this.keys, limitMs);
    this.#closing.push(async () => {
      hold.drop();
      await store.close();
    });
    return { store, client, hold };
  }

  announce(): Promise<void> {
    return this.gateway().store.registerQueue(QUEUE, NAMED, HOUR);
  }

  accept(store: AccessStore, job: NewJob, { limit = 0, claim }: SubmitWishes = {}): Promise<Acceptance> {
    const admission: Admission = {
      priority: 5,
      maxWaiting: 1000,
      maxPerCaller: 0,
      maxStoredBytes: limit,
      minReplicas: 0,
    };
    return store.accept(job, NAMED, admission, claim);
  }

  async submit(store = this.gateway().store, wishes: SubmitWishes = {}): Promise<string> {
    const { bytes = BODY, job } = wishes;
    return idOf(await this.accept(store, jobOf(Buffer.alloc(bytes), job), wishes));
  }

  /** Runs an attempt as a worker does, up to the settling of the record. */
  async attempt(id: string, end: Partial<AttemptEnd> = {}, jobs = this.jobs): Promise<SettleOutcome> {
    const token = `token-${id}`;
    const start = await jobs.start(id, token, MINUTE);
    if (start.kind !== 'leased') throw new Error(start.kind);
    const result = `${start.run}.${String(start.record.attempts)}`;
    const response = jobs.payloads.writeResponse(
      id,
      result,
      { status: 200, headers: [] },
      { ttlMs: 2 * HOUR },
    );
    await response.write(Buffer.alloc(RESPONSE));
    await response.finish({ status: 200, headers: [] });
    const completed = { outcome: 'completed', result, resultBytes: RESPONSE, upstreamStatus: 200 } as const;
    return jobs.settle(id, token, { ...completed, ...end });
  }

  /** Runs a job as a worker does, and removes it from the queue. */
  async run(id: string, end: Partial<AttemptEnd> = {}): Promise<void> {
    const settled = await this.attempt(id, end);
    if (settled.kind !== 'settled-now') throw new Error(settled.kind);
    await this.index.removeJob(QUEUE, id, settled);
  }

  /** Runs a redrive or a purge with what it needs, on the given connection or one of its own. */
  async administer<T>(work: (part: RedriveContext) => Promise<T>, client?: RedisClient): Promise<T> {
    const redis = client ?? this.open();
    const { keys } = this;
    const scheduler = openScheduler(redis, keys, QUEUE, true);
    const [jobs, index] = [new JobStore(redis, keys), new QueueIndex(redis, keys)];
    try {
      return await work({ redis, keys, jobs, index, scheduler: () => scheduler });
    } finally {
      await scheduler.close().catch(() => undefined);
      if (client === undefined) redis.disconnect();
    }
  }

  async purge(id: string): Promise<string> {
    return (await this.administer((part) => purgeJob(part, id, QUEUE))).kind;
  }

  total(): Promise<number> {
    return this.stored.total(QUEUE);
  }

  /** The bytes of all bodies in Redis, whatever is counted. */
  async bytesInRedis(): Promise<number> {
    const keys = (await this.redis.keys(`${this.prefix}:*`)).filter((key) => /:(req|res:[^:]+)$/.test(key));
    const bodies = await Promise.all(keys.map((key) => this.redis.hgetallBuffer(key)));
    return bodies
      .flatMap((fields) => Object.entries(fields).filter(([name]) => name !== 'head'))
      .reduce((sum, [, chunk]) => sum + chunk.length, 0);
  }

  /** Expects that so many bytes are counted, and that so many are in Redis. */
  async expectCounted(bytes: number): Promise<void> {
    expect([await this.total(), await this.bytesInRedis()]).toEqual([bytes, bytes]);
  }

  /** Expects that nothing is counted, and that no key of the count is left. */
  async expectNothing(): Promise<void> {
    expect(await this.total()).toBe(0);
    await this.stored.expire(QUEUE);
    const keys = [this.keys.stored(QUEUE), this.keys.storedBytes(QUEUE)];
    expect(await this.redis.exists(...keys)).toBe(0);
  }

  /** Makes the entries of the count older. */
  async pass(ms: number): Promise<void> {
    const key = this.keys.stored(QUEUE);
    const entries = await this.redis.zrange(key, 0, '-1', 'WITHSCORES');
    for (let at = 0; at < entries.length; at += 2) {
      await this.redis.zadd(key, Number(entries[at + 1]) - ms, String(entries[at]));
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
    this.redis.disconnect();
  }
}
