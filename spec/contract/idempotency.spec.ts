// An idempotency key leads to one job, even if a submit is killed or delayed between any two commands.
import { randomBytes } from 'node:crypto';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { redriveJob } from '../../plugins/async-request-reply/queue/redrive-job';
import { QueueIndex } from '../../plugins/async-request-reply/queue/queue-index';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { AccessStore } from '../../plugins/async-request-reply/accept/access-store';
import type { Acceptance } from '../../plugins/async-request-reply/accept/job-acceptor';
import type { Claim } from '../../plugins/async-request-reply/queue/idempotency-store';
import { nameSettings } from '../../plugins/async-request-reply/jobs/job-settings';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';
import { openWorkerClient, type RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { resolveConfig } from '../../schemas/resolve-config';
import { CommandHold } from '../helpers/cut-commands';
import { RedisServer } from '../helpers/redis-server';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import { JOB_SETTINGS } from '../helpers/job-settings';
import { newJob } from '../helpers/new-job';

const MINUTE = 60_000;
const QUEUE = 'q';
const LIMIT_MS = 20_000;

let server: RedisServer;
let redis: RedisClient;
let prefix = '';
let keys: KeySpace;
let claim: Claim;
const closing: (() => Promise<void>)[] = [];

useResources(async (resources) => {
  server = await resources.use(RedisServer.start({ appendOnly: false }), (started) => started.stop());
  redis = await resources.use(open(), (client) => client.disconnect());
});

beforeEach(() => {
  prefix = `once-${randomBytes(6).toString('hex')}`;
  keys = new KeySpace(prefix);
  claim = { key: 'k', fingerprint: 'request', ttlMs: MINUTE };
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const open = (): RedisClient =>
  openWorkerClient(resolveConfig({ redis: { port: server.port } }).redis, () => undefined);

/** A plugin server: a store on a connection of its own, whose commands can be stopped. */
function gateway(limitMs = LIMIT_MS): { store: AccessStore; hold: CommandHold } {
  const client = open();
  const hold = new CommandHold(client);
  const store = new AccessStore(client, keys, limitMs);
  closing.push(async () => {
    hold.drop();
    await store.close();
  });
  return { store, hold };
}

function jobOf(id: string, openTtlMs = 10 * MINUTE): NewJob {
  return newJob({
    id,
    queue: QUEUE,
    owner: 'consumer:c',
    body: Buffer.from('b'),
    openTtlMs,
    request: {
      method: 'POST',
      path: '/x',
      target: { scheme: 'http', host: 'h', port: 1 },
      headers: [['x-async-kong-id', id]],
    },
  });
}

const submit = (store: AccessStore, by: Claim = claim): Promise<Acceptance> =>
  store.accept(
    jobOf(newJobId()),
    nameSettings({ ...JOB_SETTINGS, queue: QUEUE }),
    { priority: 5, maxWaiting: 100, maxPerCaller: 50, minReplicas: 0 },
    by,
  );

const idOf = (acceptance: Acceptance): string =>
  acceptance.kind === 'created' ? acceptance.id : acceptance.record.id;

const codeOf = async (submitting: Promise<unknown>): Promise<string> =>
  await submitting.then(
    () => 'accepted',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

/** IDs of the jobs that a worker would run. */
async function runnable(): Promise<string[]> {
  const records = (await redis.keys(`${prefix}:*:job`)).map((key) => key.slice(prefix.length + 2, -5));
  const states = await Promise.all(records.map((id) => redis.hget(keys.record(id), 'state')));
  return records.filter((_id, index) => states[index] === 'queued');
}

async function expectOneJob(id: string): Promise<void> {
  expect(await runnable()).toEqual([id]);
  expect(await redis.exists(keys.bullJob(QUEUE, id))).toBe(1);
  const request = await gateway().store.jobs.payloads.readRequest(id);
  expect(request?.head.headers).toEqual([['x-async-kong-id', id]]);
}

/** Runs a case once for each number of commands after which a submit can be cut off. */
async function atEveryCut(run: (commands: number) => Promise<'cut' | 'whole'>): Promise<number> {
  await submit(gateway().store); // Scripts and BullMQ's own keys are there.
  for (let commands = 0; ; commands++) {
    prefix = `once-${randomBytes(6).toString('hex')}`;
    keys = new KeySpace(prefix);
    if ((await run(commands)) === 'whole') return commands;
  }
}

/** A submit on a gateway of its own that is stopped after so many commands; undefined if it completed. */
async function held(
  commands: number,
  limitMs?: number,
): Promise<{ hold: CommandHold; store: AccessStore; submitting: Promise<Acceptance> } | undefined> {
  const { store, hold } = gateway(limitMs);
  await store.read((jobs) => jobs.read(newJobId()));
  hold.after(commands);
  const submitting = submit(store);
  submitting.catch(() => undefined);
  const isWhole = await Promise.race([submitting.then(() => true), hold.holding.then(() => false)]);
  return isWhole ? undefined : { hold, store, submitting };
}

test('a repeat creates or finds the job of a submit that was killed between any two commands', async () => {
  const cuts = await atEveryCut(async (commands) => {
    const cut = await held(commands);
    if (cut === undefined) return 'whole';
    await cut.store.close();

    const id = idOf(await submit(gateway().store));

    await expectOneJob(id);
    expect(idOf(await submit(gateway().store))).toBe(id);
    return 'cut';
  });
  expect(cuts).toBeGreaterThan(5);
});

test('a submit that is delayed between any two commands returns the job of its repeat', async () => {
  await atEveryCut(async (commands) => {
    const cut = await held(commands);
    if (cut === undefined) return 'whole';
    const id = idOf(await submit(gateway().store));

    cut.hold.release();

    expect(idOf(await cut.submitting)).toBe(id);
    await expectOneJob(id);
    return 'cut';
  });
});

test('a submit that was rejected with 503 does not roll back the job that its repeat has returned', async () => {
  let refused = 0;
  await atEveryCut(async (commands) => {
    const cut = await held(commands, 200);
    if (cut === undefined) return 'whole';
    if ((await codeOf(cut.submitting)) === 'accepted') return 'cut'; // What was held is nothing that it waits for.
    refused++;
    const id = idOf(await submit(gateway().store));

    cut.hold.release();

    await until('the submit to be taken back', () => cut.store.pendingRollbackCount === 0);
    await expectOneJob(id);
    expect(idOf(await submit(gateway().store))).toBe(id);
    return 'cut';
  });
  expect(refused).toBeGreaterThan(5);
});

test('a key whose submit was rejected with 503 and rolled back is free for another request', async () => {
  let refused = 0;
  await atEveryCut(async (commands) => {
    const cut = await held(commands, 200);
    if (cut === undefined) return 'whole';
    if ((await codeOf(cut.submitting)) === 'accepted') return 'cut'; // What was held is nothing that it waits for.
    refused++;
    cut.hold.release();
    await until('the submit to be taken back', () => cut.store.pendingRollbackCount === 0);

    const id = idOf(await submit(gateway().store, { ...claim, fingerprint: 'other' }));

    await expectOneJob(id);
    return 'cut';
  });
  expect(refused).toBeGreaterThan(5);
});

test('fifty concurrent submits from five processes create one job', async () => {
  const stores = Array.from({ length: 5 }, () => gateway().store);
  await Promise.all(stores.map((store) => store.read((jobs) => jobs.read(newJobId()))));
  const accepted = await Promise.all(
    Array.from({ length: 10 }).flatMap(() => stores.map((store) => submit(store))),
  );

  const ids = new Set(accepted.map(idOf));
  expect(ids.size).toBe(1);
  expect(accepted.filter(({ kind }) => kind === 'created')).toHaveLength(1);
  await expectOneJob([...ids][0] ?? '');
  expect(await redis.zcard(`${prefix}:{${QUEUE}}:slots`)).toBe(1);
});

test('requests that are already stored under IDs of their own create one job', async () => {
  const stores = Array.from({ length: 5 }, () => gateway().store);
  const accepted = await Promise.all(
    stores.map((store) =>
      store.accept(
        { ...jobOf(newJobId()), body: 'stored' },
        nameSettings({ ...JOB_SETTINGS, queue: QUEUE }),
        { priority: 5, maxWaiting: 100, maxPerCaller: 50, minReplicas: 0 },
        claim,
      ),
    ),
  );
  expect(new Set(accepted.map(idOf)).size).toBe(1);
  expect(await runnable()).toEqual([idOf(accepted[0] as Acceptance)]);
});

test('another request under the key is rejected, while the job is open and after it has settled', async () => {
  const { store } = gateway();
  const id = idOf(await submit(store));
  const other = { ...claim, fingerprint: 'other' };
  expect(await codeOf(submit(store, other))).toBe('idempotency-key-reused');
  await store.jobs.cancel(id);
  expect(await codeOf(submit(store, other))).toBe('idempotency-key-reused');
  expect(await runnable()).toEqual([]);
});

test('a repeat whose record has expired returns gone, and starts nothing', async () => {
  const { store } = gateway();
  const id = idOf(await submit(store));
  await redis.del(keys.record(id));
  expect(await codeOf(submit(store))).toBe('gone');
  expect(await codeOf(submit(store, { ...claim, fingerprint: 'other' }))).toBe('idempotency-key-reused');
  expect(await runnable()).toEqual([]);
});

test('a repeat returns the job that its client has cancelled', async () => {
  const { store } = gateway();
  const id = idOf(await submit(store));
  await store.cancel({ id, queue: QUEUE });
  expect(await submit(store)).toMatchObject({ kind: 'repeat', record: { id, state: 'cancelled' } });
});

describe('after the key has expired', () => {
  const SHORT: Claim = { key: 'short', fingerprint: 'request', ttlMs: 1 };
  const lapsed = (): Promise<unknown> =>
    until('the key to lapse', async () => {
      const [seconds = 0, micros = 0] = await redis.time();
      const until = await redis.hget(keys.claim(QUEUE, SHORT.key), 'until');
      return seconds * 1000 + micros / 1000 > Number(until) + 1;
    });

  test('an open job keeps it', async () => {
    const { store } = gateway();
    const id = idOf(await submit(store, SHORT));
    await lapsed();
    expect(idOf(await submit(store, SHORT))).toBe(id);
    expect(await codeOf(submit(store, { ...SHORT, fingerprint: 'other' }))).toBe('idempotency-key-reused');
  });

  test('a settled job, and one that has gone, leave it to a new one', async () => {
    const { store } = gateway();
    const first = idOf(await submit(store, SHORT));
    await lapsed();
    await store.cancel({ id: first, queue: QUEUE });
    const second = idOf(await submit(store, SHORT));
    expect(second).not.toBe(first);
    await lapsed();
    await redis.del(keys.record(second));
    const third = idOf(await submit(store, { ...SHORT, fingerprint: 'other' }));
    await expectOneJob(third);
  });
});

test('the claim outlives the job that it names, and every key has a TTL', async () => {
  const id = idOf(await submit(gateway().store));
  expect(await redis.pttl(keys.claim(QUEUE, claim.key))).toBeGreaterThan(10 * MINUTE);
  expect(await redis.pttl(keys.created(id))).toBeGreaterThan(MINUTE - 5000);
});

test('a redrive keeps the key for the new run', async () => {
  const { store } = gateway();
  const named = nameSettings({ ...JOB_SETTINGS, queue: QUEUE });
  await store.registerQueue(QUEUE, named, MINUTE);
  const id = idOf(await submit(store));
  await redis.hset(keys.record(id), 'settings', named.hash);
  await store.jobs.start(id, 't', MINUTE);
  await store.jobs.settle(id, 't', { outcome: 'failed', error: { code: 'upstream-failed', detail: 'd' } });
  const key = keys.claim(QUEUE, claim.key);
  await redis.pexpire(key, MINUTE);
  const scheduler = openScheduler(redis, keys, QUEUE);

  const context = {
    redis,
    keys,
    jobs: store.jobs,
    index: new QueueIndex(redis, keys),
    scheduler: () => scheduler,
  };
  expect(await redriveJob(context, id)).toEqual({ kind: 'redriven' });

  expect(await redis.pttl(key)).toBeGreaterThan(10 * MINUTE);
  expect(idOf(await submit(store))).toBe(id);
  await scheduler.close();
});

test('a full queue rejects a new key and accepts a known one', async () => {
  const { store } = gateway();
  const full = (by: Claim): Promise<Acceptance> =>
    store.accept(
      jobOf(newJobId()),
      nameSettings({ ...JOB_SETTINGS, queue: QUEUE }),
      { priority: 5, maxWaiting: 1, maxPerCaller: 1, minReplicas: 0 },
      by,
    );
  const id = idOf(await full(claim));
  expect(await codeOf(full({ ...claim, key: 'k2' }))).toBe('queue-full');
  expect(idOf(await full(claim))).toBe(id);
  await until('the refused key to be free', async () => (await redis.exists(keys.claim(QUEUE, 'k2'))) === 0);
});
