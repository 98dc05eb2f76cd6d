// The life of a record, against a real Redis: what each script does in each state.
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { StoredPayload } from '../../plugins/async-request-reply/payloads/payload-reader';
import type { RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { newJob } from '../helpers/new-job';
import { startJobStore } from '../helpers/start-job-store';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'contract';
const KEYS = new KeySpace(PREFIX);
const LONG = 60_000;

let redis: RedisClient;
let store: JobStore;

useResources(async (resources) => void ({ redis, store } = await startJobStore(PREFIX, resources)));

async function queued(change: Partial<NewJob> = {}): Promise<string> {
  const job = newJob({
    owner: 'consumer:c',
    body: Buffer.from([0, 255, 10]),
    maxAttempts: 2,
    deadlineMs: LONG,
    resultTtlMs: 2 * LONG,
    openTtlMs: 4 * LONG,
    request: {
      method: 'POST',
      path: '/x',
      target: { scheme: 'http', host: 'h', port: 1 },
      headers: [['x-latin', 'caf\xe9']],
    },
    ...change,
  });
  expect(await store.create(job)).toMatchObject({ kind: 'created' });
  return job.id;
}

const head = { status: 200, headers: [['Set-Cookie', 'a']] as const };

async function storeResponse(id: string, result: string, body: Buffer): Promise<void> {
  const writer = store.payloads.writeResponse(id, result, head, { ttlMs: LONG });
  await writer.write(body);
  await writer.finish(head);
}

const bodyOf = async (payload: Promise<StoredPayload<unknown> | undefined>) => (await payload)?.body();

const lease = (id: string, token = 't', leaseMs = LONG) => store.start(id, token, leaseMs);
const state = async (id: string) => (await store.read(id))?.state;

/** Waits until the lease of an attempt is over by the clock of Redis. */
const leaseOver = (id: string) =>
  until('the lease to be over', async () => {
    const [seconds = 0, micros = 0] = await redis.time();
    return seconds * 1000 + micros / 1000 > Number(await redis.hget(KEYS.record(id), 'lease_until'));
  });

describe('creating', () => {
  test('writes record and request, both with a TTL', async () => {
    const id = await queued();
    expect(await store.read(id)).toMatchObject({
      state: 'queued',
      attempts: 0,
      owner: 'consumer:c',
      method: 'POST',
    });
    const request = await store.payloads.readRequest(id);
    expect(request?.head.headers).toEqual([['x-latin', 'caf\xe9']]);
    expect(await request?.body()).toEqual(Buffer.from([0, 255, 10]));
    expect(await redis.pttl(KEYS.record(id))).toBeGreaterThan(3 * LONG);
    expect(await redis.pttl(KEYS.request(id))).toBeGreaterThan(3 * LONG);
  });

  test('keeps a body of many chunks whole', async () => {
    const body = Buffer.alloc(700_000, 'abcdefg');
    const id = await queued({ body });
    expect((await bodyOf(store.payloads.readRequest(id)))?.equals(body)).toBe(true);
    expect(await redis.hlen(KEYS.request(id))).toBe(4);
  });

  test('changes nothing if the ID exists', async () => {
    const id = await queued();
    await lease(id);
    const again = await store.create({ ...(await jobOf(id)), owner: 'somebody else' });
    expect(again).toEqual({ kind: 'duplicate' });
    expect(await store.read(id)).toMatchObject({ state: 'running', owner: 'consumer:c' });
  });

  test('is rejected if the submit was rolled back before its writes arrived', async () => {
    const id = newJobId();
    expect(await store.rollBack(id)).toEqual({ kind: 'missing' });
    expect(await store.read(id)).toBeUndefined();
    expect(await store.create(await jobOf(id))).toEqual({ kind: 'duplicate' });
    expect(await lease(id)).toMatchObject({ kind: 'already-settled', state: 'cancelled' });
    expect(await redis.pttl(KEYS.record(id))).toBeGreaterThan(0);
  });
});

async function jobOf(id: string): Promise<NewJob> {
  const template = await queued();
  const request = await store.payloads.readRequest(template);
  if (request === undefined) throw new Error('no request');
  return newJob({
    id,
    request: request.head,
    body: await request.body(),
    deadlineMs: LONG,
    resultTtlMs: LONG,
    openTtlMs: LONG,
  });
}

describe('acquiring the lease', () => {
  test('starts an attempt and counts it', async () => {
    const id = await queued();
    expect(await lease(id)).toMatchObject({
      kind: 'leased',
      run: '1',
      record: { state: 'running', attempts: 1 },
    });
  });

  test('is rejected while another worker has it', async () => {
    const id = await queued();
    await lease(id, 'first');
    expect(await lease(id, 'second')).toMatchObject({ kind: 'leased-elsewhere' });
  });

  test('is repeated for the worker that has it, whose first reply may have been lost', async () => {
    const id = await queued();
    await lease(id, 'mine');
    expect(await lease(id, 'mine')).toMatchObject({ kind: 'leased', record: { attempts: 1 } });
  });

  test('of a delayed job returns the delay', async () => {
    const id = await queued({ delayMs: LONG / 2 });
    expect(await lease(id)).toMatchObject({ kind: 'not-due' });
    expect(await state(id)).toBe('queued');
  });

  test('of a job without a record returns missing', async () => {
    expect(await lease(newJobId())).toEqual({ kind: 'missing' });
  });

  test('does not change a record of a newer version', async () => {
    const id = await queued();
    await redis.hset(KEYS.record(id), 'v', 99);
    expect(await lease(id)).toEqual({ kind: 'newer' });
    expect(await state(id)).toBe('queued');
  });

  test('starts another attempt if the worker was lost and the call may be repeated', async () => {
    const id = await queued();
    await lease(id, 'lost', 1);
    await leaseOver(id);
    expect(await lease(id, 'next')).toMatchObject({ kind: 'leased', record: { attempts: 2 } });
  });

  test('settles the job as outcome-unknown if the worker was lost and the call may not be repeated', async () => {
    const id = await queued({ repeatable: false });
    await lease(id, 'lost', 1);
    await leaseOver(id);
    expect(await lease(id, 'next')).toMatchObject({
      kind: 'settled-now',
      state: 'failed',
      owner: 'consumer:c',
    });
    expect((await store.read(id))?.error).toMatchObject({ code: 'outcome-unknown' });
    expect(await store.payloads.readRequest(id)).toBeDefined();
  });

  test('after the deadline expires a job that never ran, and deletes its request', async () => {
    const id = await queued({ deadlineMs: 0 });
    expect(await lease(id)).toMatchObject({ kind: 'settled-now', state: 'expired' });
    expect(await store.payloads.readRequest(id)).toBeUndefined();
  });

  test('fails a job without a response if its attempts are used up', async () => {
    const id = await queued({ maxAttempts: 1 });
    await lease(id, 'lost', 1);
    await leaseOver(id);
    expect(await lease(id, 'next')).toMatchObject({ kind: 'settled-now', state: 'failed' });
  });
});

describe('renewing', () => {
  test('extends the lease of the worker that has it, and of no other', async () => {
    const id = await queued();
    await lease(id, 'mine');
    expect(await store.renew(id, 'mine', LONG)).toBe('renewed');
    expect(await store.renew(id, 'other', LONG)).toBe('lost');
    expect(await store.renew(newJobId(), 'mine', LONG)).toBe('lost');
  });

  test('returns a cancellation', async () => {
    const id = await queued();
    await lease(id, 'mine');
    expect(await store.cancel(id)).toEqual({ kind: 'cancelling' });
    expect(await store.renew(id, 'mine', LONG)).toBe('cancel');
  });
});

describe('settling', () => {
  test('takes a result only from the attempt that holds the lease', async () => {
    const id = await queued();
    await lease(id, 'lost', 1);
    await leaseOver(id);
    await lease(id, 'next');
    expect(await store.settle(id, 'lost', { outcome: 'completed', upstreamStatus: 200 })).toEqual({
      kind: 'lost',
    });
    expect(await state(id)).toBe('running');
  });

  test('happens once', async () => {
    const id = await queued();
    await lease(id, 'mine');
    const end = { outcome: 'completed', upstreamStatus: 200 } as const;
    expect(await store.settle(id, 'mine', end)).toMatchObject({ kind: 'settled-now', state: 'completed' });
    expect(await store.settle(id, 'mine', end)).toEqual({ kind: 'lost' });
    expect(await lease(id, 'late')).toMatchObject({ kind: 'already-settled', state: 'completed' });
  });

  test('keeps the result for its TTL and deletes the request', async () => {
    const id = await queued();
    await lease(id, 'mine');
    await storeResponse(id, '1.1', Buffer.from('body'));
    await store.settle(id, 'mine', { outcome: 'completed', result: '1.1', upstreamStatus: 200 });
    expect((await store.payloads.readResponse(id, '1.1'))?.head).toEqual(head);
    expect(await bodyOf(store.payloads.readResponse(id, '1.1'))).toEqual(Buffer.from('body'));
    expect(await redis.pttl(KEYS.response(id, '1.1'))).toBeGreaterThan(LONG);
    expect(await store.payloads.readRequest(id)).toBeUndefined();
  });

  test('keeps the request of a dead letter', async () => {
    const failed = await queued();
    await lease(failed, 'mine');
    await store.settle(failed, 'mine', {
      outcome: 'failed',
      error: { code: 'upstream-failed', detail: 'd' },
    });
    expect(await store.payloads.readRequest(failed)).toBeDefined();
    const completed = await queued();
    await lease(completed, 'mine');
    await store.settle(completed, 'mine', { outcome: 'completed', upstreamStatus: 500, keepRequest: true });
    expect(await store.payloads.readRequest(completed)).toBeDefined();
  });

  test('waits for the next attempt if there is one, and keeps the last response', async () => {
    const id = await queued();
    await lease(id, 'one');
    await storeResponse(id, '1.1', Buffer.from('first'));
    const retry = { outcome: 'retry', upstreamStatus: 503, delayMs: 0 } as const;
    expect(await store.settle(id, 'one', { ...retry, result: '1.1' })).toEqual({
      kind: 'retrying',
      delayMs: 0,
    });
    await lease(id, 'two');
    await storeResponse(id, '1.2', Buffer.from('last'));
    expect(await store.settle(id, 'two', { ...retry, result: '1.2' })).toMatchObject({
      kind: 'settled-now',
      state: 'completed',
    });
    expect(await store.read(id)).toMatchObject({ result: '1.2', upstreamStatus: 503, attempts: 2 });
    expect(await store.payloads.readResponse(id, '1.1')).toBeUndefined();
    expect(await store.payloads.readRequest(id)).toBeDefined();
  });

  test('does not wait past the deadline', async () => {
    const id = await queued();
    await lease(id, 'one');
    const end = {
      outcome: 'retry',
      delayMs: 2 * LONG,
      error: { code: 'upstream-failed', detail: 'd' },
    } as const;
    expect(await store.settle(id, 'one', end)).toMatchObject({ kind: 'settled-now', state: 'failed' });
  });

  test('of a job that is being cancelled makes it cancelled, whatever the outcome of the attempt', async () => {
    const id = await queued();
    await lease(id, 'mine');
    await storeResponse(id, '1.1', Buffer.from('late'));
    await store.cancel(id);
    expect(await store.settle(id, 'mine', { outcome: 'completed', result: '1.1' })).toMatchObject({
      kind: 'settled-now',
      state: 'cancelled',
    });
    expect(await store.payloads.readResponse(id, '1.1')).toBeUndefined();
  });
});

describe('cancelling', () => {
  test('settles a queued job at once', async () => {
    const id = await queued();
    expect(await store.cancel(id)).toMatchObject({ kind: 'settled-now' });
    expect(await state(id)).toBe('cancelled');
    expect(await store.payloads.readRequest(id)).toBeUndefined();
  });

  test('does not change a settled job', async () => {
    const id = await queued();
    await store.cancel(id);
    expect(await store.cancel(id)).toEqual({ kind: 'already-settled', state: 'cancelled' });
  });

  test('of a job whose worker is lost takes effect when the lease expires', async () => {
    const id = await queued();
    await lease(id, 'lost', 1);
    await store.cancel(id);
    await leaseOver(id);
    expect(await store.examine(id)).toMatchObject({ kind: 'settled-now', state: 'cancelled' });
  });
});

test('no operation leaves a key without a TTL', async () => {
  const keys = await redis.keys(`${PREFIX}:*`);
  expect(keys.length).toBeGreaterThan(20);
  const ttls = await Promise.all(keys.map((key) => redis.pttl(key)));
  expect(keys.filter((_key, index) => (ttls[index] ?? 0) < 0)).toEqual([]);
});
