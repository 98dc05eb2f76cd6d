// The life of a record, against a real Redis: what each script does in each state.
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { recordKey, requestKey, responseKey } from '../../plugins/async-request-reply/redis/keys';
import type { StoredPayload } from '../../plugins/async-request-reply/payloads/payload-reader';
import type { ScriptedRedis } from '../../plugins/async-request-reply/redis/scripts';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { startJobStore } from '../helpers/start-job-store';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'contract';
const LONG = 60_000;

let redis: ScriptedRedis;
let store: JobStore;

useResources(async (resources) => void ({ redis, store } = await startJobStore(PREFIX, resources)));

async function queued(change: Partial<NewJob> = {}): Promise<string> {
  const id = newJobId();
  const job: NewJob = {
    id,
    queue: 'q',
    owner: 'consumer:c',
    settingsHash: 's',
    body: Buffer.from([0, 255, 10]),
    repeatable: true,
    maxAttempts: 2,
    delayMs: 0,
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
  };
  expect(await store.create(job)).toMatchObject({ kind: 'created' });
  return id;
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
    return seconds * 1000 + micros / 1000 > Number(await redis.hget(recordKey(PREFIX, id), 'lease_until'));
  });

describe('creating', () => {
  it('writes record and request, both with a TTL', async () => {
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
    expect(await redis.pttl(recordKey(PREFIX, id))).toBeGreaterThan(3 * LONG);
    expect(await redis.pttl(requestKey(PREFIX, id))).toBeGreaterThan(3 * LONG);
  });

  it('keeps a body of many chunks whole', async () => {
    const body = Buffer.alloc(700_000, 'abcdefg');
    const id = await queued({ body });
    expect((await bodyOf(store.payloads.readRequest(id)))?.equals(body)).toBe(true);
    expect(await redis.hlen(requestKey(PREFIX, id))).toBe(4);
  });

  it('changes nothing where the ID is taken', async () => {
    const id = await queued();
    await lease(id);
    const again = await store.create({ ...(await jobOf(id)), owner: 'somebody else' });
    expect(again).toEqual({ kind: 'duplicate' });
    expect(await store.read(id)).toMatchObject({ state: 'running', owner: 'consumer:c' });
  });

  it('comes too late where the submit was abandoned before its writes arrived', async () => {
    const id = newJobId();
    expect(await store.rollBack(id)).toEqual({ kind: 'missing' });
    expect(await store.read(id)).toBeUndefined();
    expect(await store.create(await jobOf(id))).toEqual({ kind: 'duplicate' });
    expect(await lease(id)).toMatchObject({ kind: 'already-settled', state: 'cancelled' });
    expect(await redis.pttl(recordKey(PREFIX, id))).toBeGreaterThan(0);
  });
});

async function jobOf(id: string): Promise<NewJob> {
  const template = await queued();
  const request = await store.payloads.readRequest(template);
  if (request === undefined) throw new Error('no request');
  return {
    id,
    queue: 'q',
    owner: '',
    settingsHash: 's',
    request: request.head,
    body: await request.body(),
    repeatable: true,
    maxAttempts: 1,
    delayMs: 0,
    deadlineMs: LONG,
    resultTtlMs: LONG,
    openTtlMs: LONG,
  };
}

describe('taking the lease', () => {
  it('starts an attempt and counts it', async () => {
    const id = await queued();
    expect(await lease(id)).toMatchObject({
      kind: 'leased',
      run: '1',
      record: { state: 'running', attempts: 1 },
    });
  });

  it('is refused while another holds it', async () => {
    const id = await queued();
    await lease(id, 'first');
    expect(await lease(id, 'second')).toMatchObject({ kind: 'leased-elsewhere' });
  });

  it('is given again to the one who has it, whose first answer may have been lost', async () => {
    const id = await queued();
    await lease(id, 'mine');
    expect(await lease(id, 'mine')).toMatchObject({ kind: 'leased', record: { attempts: 1 } });
  });

  it('of a job that was asked for later says how long', async () => {
    const id = await queued({ delayMs: LONG / 2 });
    expect(await lease(id)).toMatchObject({ kind: 'not-due' });
    expect(await state(id)).toBe('queued');
  });

  it('of a job without a record says so', async () => {
    expect(await lease(newJobId())).toEqual({ kind: 'missing' });
  });

  it('leaves a record of a newer program alone', async () => {
    const id = await queued();
    await redis.hset(recordKey(PREFIX, id), 'v', 99);
    expect(await lease(id)).toEqual({ kind: 'newer' });
    expect(await state(id)).toBe('queued');
  });

  it('passes on when the worker was lost and the call may be repeated', async () => {
    const id = await queued();
    await lease(id, 'lost', 1);
    await leaseOver(id);
    expect(await lease(id, 'next')).toMatchObject({ kind: 'leased', record: { attempts: 2 } });
  });

  it('settles outcome-unknown when the worker was lost and the call may not be repeated', async () => {
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

  it('after the deadline expires a job that never ran, and drops its request', async () => {
    const id = await queued({ deadlineMs: 0 });
    expect(await lease(id)).toMatchObject({ kind: 'settled-now', state: 'expired' });
    expect(await store.payloads.readRequest(id)).toBeUndefined();
  });

  it('when the attempts are used up fails a job without a response', async () => {
    const id = await queued({ maxAttempts: 1 });
    await lease(id, 'lost', 1);
    await leaseOver(id);
    expect(await lease(id, 'next')).toMatchObject({ kind: 'settled-now', state: 'failed' });
  });
});

describe('renewing', () => {
  it('prolongs the lease of the one who holds it, and of nobody else', async () => {
    const id = await queued();
    await lease(id, 'mine');
    expect(await store.renew(id, 'mine', LONG)).toBe('renewed');
    expect(await store.renew(id, 'other', LONG)).toBe('lost');
    expect(await store.renew(newJobId(), 'mine', LONG)).toBe('lost');
  });

  it('tells of a cancellation', async () => {
    const id = await queued();
    await lease(id, 'mine');
    expect(await store.cancel(id)).toEqual({ kind: 'cancelling' });
    expect(await store.renew(id, 'mine', LONG)).toBe('cancel');
  });
});

describe('settling', () => {
  it('takes a result only from the attempt that holds the lease', async () => {
    const id = await queued();
    await lease(id, 'lost', 1);
    await leaseOver(id);
    await lease(id, 'next');
    expect(await store.settle(id, 'lost', { outcome: 'completed', upstreamStatus: 200 })).toEqual({
      kind: 'lost',
    });
    expect(await state(id)).toBe('running');
  });

  it('happens once', async () => {
    const id = await queued();
    await lease(id, 'mine');
    const end = { outcome: 'completed', upstreamStatus: 200 } as const;
    expect(await store.settle(id, 'mine', end)).toMatchObject({ kind: 'settled-now', state: 'completed' });
    expect(await store.settle(id, 'mine', end)).toEqual({ kind: 'lost' });
    expect(await lease(id, 'late')).toMatchObject({ kind: 'already-settled', state: 'completed' });
  });

  it('keeps the result as long as its TTL and drops the request', async () => {
    const id = await queued();
    await lease(id, 'mine');
    await storeResponse(id, '1.1', Buffer.from('body'));
    await store.settle(id, 'mine', { outcome: 'completed', result: '1.1', upstreamStatus: 200 });
    expect((await store.payloads.readResponse(id, '1.1'))?.head).toEqual(head);
    expect(await bodyOf(store.payloads.readResponse(id, '1.1'))).toEqual(Buffer.from('body'));
    expect(await redis.pttl(responseKey(PREFIX, id, '1.1'))).toBeGreaterThan(LONG);
    expect(await store.payloads.readRequest(id)).toBeUndefined();
  });

  it('keeps the request of a dead letter', async () => {
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

  it('waits for another attempt where there is one, and keeps the last response for its end', async () => {
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

  it('does not wait past the deadline', async () => {
    const id = await queued();
    await lease(id, 'one');
    const end = {
      outcome: 'retry',
      delayMs: 2 * LONG,
      error: { code: 'upstream-failed', detail: 'd' },
    } as const;
    expect(await store.settle(id, 'one', end)).toMatchObject({ kind: 'settled-now', state: 'failed' });
  });

  it('of a job that is being cancelled makes it cancelled, whatever the attempt says', async () => {
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
  it('settles a job that waits, at once', async () => {
    const id = await queued();
    expect(await store.cancel(id)).toMatchObject({ kind: 'settled-now' });
    expect(await state(id)).toBe('cancelled');
    expect(await store.payloads.readRequest(id)).toBeUndefined();
  });

  it('leaves a settled job as it is', async () => {
    const id = await queued();
    await store.cancel(id);
    expect(await store.cancel(id)).toEqual({ kind: 'already-settled', state: 'cancelled' });
  });

  it('of a job whose worker is lost takes effect when the lease is over', async () => {
    const id = await queued();
    await lease(id, 'lost', 1);
    await store.cancel(id);
    await leaseOver(id);
    expect(await store.examine(id)).toMatchObject({ kind: 'settled-now', state: 'cancelled' });
  });
});

it('leaves no key without a TTL, whatever has happened', async () => {
  const keys = await redis.keys(`${PREFIX}:*`);
  expect(keys.length).toBeGreaterThan(20);
  const ttls = await Promise.all(keys.map((key) => redis.pttl(key)));
  expect(keys.filter((_key, index) => (ttls[index] ?? 0) < 0)).toEqual([]);
});
