// Every script declares the keys that it touches, as Redis Cluster and servers like Dragonfly require. A real Redis reports, by
// MONITOR, which keys each script has touched.
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import Redis from 'ioredis';
import { CallbackStore } from '../../plugins/async-request-reply/callbacks/callback-store';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { consumeToken } from '../../plugins/async-request-reply/loopback/consume-token';
import { CircuitBreaker } from '../../plugins/async-request-reply/queue/circuit-breaker';
import { IdempotencyStore } from '../../plugins/async-request-reply/queue/idempotency-store';
import { QueueIndex } from '../../plugins/async-request-reply/queue/queue-index';
import { QueuePause } from '../../plugins/async-request-reply/queue/queue-pause';
import { readQueueProgress } from '../../plugins/async-request-reply/queue/queue-progress';
import { StorageQuota } from '../../plugins/async-request-reply/queue/storage-quota';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { newJob } from '../helpers/new-job';
import { startJobStore } from '../helpers/start-job-store';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'declared';
const KEYS = new KeySpace(PREFIX);
const QUEUE = 'q';
const MINUTE = 60_000;
const PLUGIN = resolve(__dirname, '../../plugins/async-request-reply');

/** Names that scripts read from a record or from the clock: jobs/lua/record.lua and queue/lua/settled.lua. */
const DERIVED = /:(res:\d+\.\d+|settled:\d+)$/;

const LIBRARIES = ['record', 'stored', 'settled', 'clock'];

/** The commands that take more than one key. All others of the scripts take theirs first. */
const KEYS_OF: Readonly<Record<string, (args: readonly string[]) => readonly string[]>> = {
  unlink: (args) => args,
  del: (args) => args,
  exists: (args) => args,
  copy: (args) => args.slice(0, 2),
  time: () => [],
};

interface Run {
  readonly script: string;
  readonly declared: readonly string[];
  readonly touched: string[];
}

const files = readdirSync(PLUGIN, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.lua'),
);
const scripts = files.map((name) => basename(name, '.lua')).filter((name) => !LIBRARIES.includes(name));
const bodies = files.map((name): [string, string] => [
  basename(name, '.lua'),
  readFileSync(join(PLUGIN, name), 'latin1').replace(/^#!.*\n/, ''),
]);

/** A text that MONITOR has reported, with the bytes that it escapes. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_all, code: string | undefined, letter: string) =>
    code === undefined ? (letter === 'n' ? '\n' : letter) : String.fromCharCode(parseInt(code, 16)),
  );

let redis: RedisClient;
let store: JobStore;
let monitor: Redis;
const runs: Run[] = [];
const names = new Map<string, string>();

/** What Redis reports: our scripts, and the commands within them. */
function record([command = '', ...args]: readonly string[], isOfScript: boolean): void {
  const name = command.toLowerCase();
  if (isOfScript) {
    runs.at(-1)?.touched.push(...(KEYS_OF[name] ?? ((all: readonly string[]) => all.slice(0, 1)))(args));
    return;
  }
  const [text = '', count = '0', ...rest] = args;
  if (name === 'eval') {
    const script = bodies.find(([, body]) => unescaped(text).endsWith(body))?.[0] ?? 'unknown';
    names.set(createHash('sha1').update(unescaped(text), 'latin1').digest('hex'), script);
    runs.push({ script, declared: rest.slice(0, Number(count)), touched: [] });
  } else if (name === 'evalsha') {
    runs.push({ script: names.get(text) ?? text, declared: rest.slice(0, Number(count)), touched: [] });
  }
}

useResources(async (resources) => {
  const started = await startJobStore(PREFIX, resources);
  ({ redis, store } = started);
  const client = new Redis({ port: started.server.port, protocol: 2 });
  resources.add(() => client.disconnect());
  monitor = await client.monitor();
  resources.add(() => monitor.disconnect());
  monitor.on('monitor', (_time: string, args: string[], source: string) => record(args, source === 'lua'));
});

/** Accepts a job as the access side does. */
async function accept(index: QueueIndex): Promise<string> {
  const callback = { url: 'https://h/', secret: 's', allowPrivate: false, links: undefined };
  const job = newJob({ callback, idempotency: { claimKey: 'k', ttlMs: MINUTE, isAdopted: false } });
  const { id, owner, openTtlMs: lifeMs, deadlineMs } = job;
  const limits = { maxWaiting: 10, maxPerCaller: 10, maxStoredBytes: 1000 };
  await index.reserve({ queue: QUEUE, id, owner, lifeMs, bytes: 1, ...limits });
  await store.create(job);
  await index.addJob({ queue: QUEUE, id, owner, deadlineMs, lifeMs, hasCallback: true, requestBytes: 1 });
  return id;
}

/** An attempt with a response, which ends the job as completed, or as a dead letter with a status to retry. */
async function run(id: string, index: QueueIndex, isDead: boolean): Promise<void> {
  const token = randomUUID();
  await store.start(id, token, MINUTE);
  await index.releaseSlot(QUEUE, id, 1);
  await store.renew(id, token, MINUTE);
  const response = store.payloads.writeResponse(
    id,
    '1.1',
    { status: 200, headers: [] },
    { ttlMs: MINUTE, key: undefined },
  );
  await response.write(Buffer.from('done'));
  await response.finish({ status: 200, headers: [] });
  const end = { outcome: 'completed', result: '1.1', resultBytes: 4, keepRequest: isDead } as const;
  const settled = await store.settle(id, token, end);
  if (settled.kind !== 'settled-now') throw new Error(settled.kind);
  await index.removeJob(QUEUE, id, settled);
}

async function runEveryScript(): Promise<void> {
  const index = new QueueIndex(redis, KEYS);
  const quota = new StorageQuota(redis, KEYS);
  const claims = new IdempotencyStore(redis, KEYS);
  const callbacks = new CallbackStore(redis, KEYS);
  const claim = { key: 'k', fingerprint: 'f', ttlMs: MINUTE };
  await claims.claim(claim, { queue: QUEUE, id: 'x', lifeMs: MINUTE, replaces: '' });
  await claims.release(QUEUE, 'k', 'x');

  const read = await accept(index);
  await claims.lookUpJob(read, { acknowledges: true, tombstoneMs: 0 });
  await run(read, index, false);
  await store.consumeResult(read, '1.1', 0);
  const dead = await accept(index);
  await run(dead, index, true);
  await store.redrive(dead);
  await store.cancel(dead);
  await store.purge(dead);
  const running = await accept(index);
  await store.start(running, randomUUID(), MINUTE);
  const token = { jobId: running, attempt: 1, endsAt: Date.now() + MINUTE, nonce: 'n', mac: Buffer.alloc(0) };
  await consumeToken(redis, KEYS, token, MINUTE);
  await readQueueProgress(redis, KEYS, { id: running, queue: QUEUE, createdAt: Date.now() });

  await index.checkSlots(QUEUE, 1);
  await quota.reserve(QUEUE, 'upload', { bytes: 5, maxBytes: 100, lifeMs: MINUTE });
  await quota.setUsage(QUEUE, running, 7);
  await quota.shrink(QUEUE, 'upload', 2);
  await quota.total(QUEUE);
  await quota.expire(QUEUE);
  const breaker = { breakerFailures: 1, breakerOpenMs: 1, attemptTimeoutMs: 1 };
  await new CircuitBreaker(redis, KEYS, QUEUE).report(false, breaker);
  const pause = new QueuePause(redis, KEYS, QUEUE);
  await pause.start(MINUTE, 'retry-after');
  await pause.end();
  for (const due of await callbacks.take(QUEUE, MINUTE, 10)) await callbacks.remove(QUEUE, due, '1');
}

test('no script touches a key that it has not declared, but for a response and the counters of settled jobs', async () => {
  await runEveryScript();
  await redis.set(`${PREFIX}:end`, '1');
  await until(
    'Redis to have reported every script',
    () => scripts.every((name) => runs.some(({ script }) => script === name)),
    { seen: () => scripts.filter((name) => !runs.some(({ script }) => script === name)) },
  );

  const undeclared = runs.flatMap(({ script, declared, touched }) =>
    touched.filter((key) => !declared.includes(key) && !DERIVED.test(key)).map((key) => `${script}: ${key}`),
  );
  expect(undeclared).toEqual([]);
  // A script that touches nothing would show nothing.
  expect(runs.filter(({ touched }) => touched.length === 0)).toEqual([]);
});
