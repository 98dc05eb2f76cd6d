// How many bytes of bodies a queue stores: the limit holds under any crowd, and what is counted is what lies in Redis.
import { redriveJob } from '../../plugins/async-request-reply/queue/redrive-job';
import { AccessStore } from '../../plugins/async-request-reply/accept/access-store';
import type { Claim } from '../../plugins/async-request-reply/queue/idempotency-store';
import { slotsKey, recordKey, responseKey } from '../../plugins/async-request-reply/redis/keys';
import { dropTaken, takeResult } from '../../plugins/async-request-reply/access/poll/consume-result';
import { BODY, codeOf, HOUR, MINUTE, OWNER, QUEUE, RESPONSE } from './stored-bytes-kit/bytes-lab';
import { useBytesLab } from './stored-bytes-kit/use-bytes-lab';

const stage = useBytesLab();

describe('the limit', () => {
  test('takes exactly as many of two hundred submits at once as there is room for, and stores nothing of the others', async () => {
    const { lab } = stage;
    const room = 37;
    const limit = room * BODY + BODY - 1;
    const gateways = Array.from({ length: 5 }, () => lab.gateway());
    await Promise.all(gateways.map(({ client }) => client.time()));
    const codes = await Promise.all(
      Array.from({ length: 40 }).flatMap(() =>
        gateways.map(({ store }) => codeOf(lab.submit(store, { limit }))),
      ),
    );

    expect(codes.filter((code) => code === 'accepted')).toHaveLength(room);
    expect(codes.filter((code) => code === 'queue-full')).toHaveLength(200 - room);
    await lab.expectCounted(room * BODY);
    expect(await lab.redis.zcard(slotsKey(lab.prefix, QUEUE))).toBe(room);
  });

  test('takes a body that fills it to the last byte, and then nothing, not even no bytes', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const submit = (limit: number, bytes: number) => codeOf(lab.submit(store, { limit, bytes }));

    expect(await submit(BODY, BODY + 1)).toBe('queue-full');
    expect(await submit(BODY, BODY)).toBe('accepted');
    expect(await submit(BODY, 0)).toBe('queue-full');
    expect(await submit(0, BODY)).toBe('accepted');
    await lab.expectCounted(2 * BODY);
  });

  test('says that it is bytes, and when some of them go', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const id = await lab.submit(store);
    const refusal = () =>
      lab.submit(store, { limit: RESPONSE, bytes: 1 }).catch((error: unknown) => error) as Promise<{
        message: string;
        retryAfterSeconds: number;
      }>;

    expect(await refusal()).toMatchObject({ code: 'queue-full', retryAfterSeconds: 60 });
    expect((await refusal()).message).toContain('bytes');
    await lab.run(id);
    await lab.pass(HOUR - 50_000);
    const { retryAfterSeconds } = await refusal();
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(retryAfterSeconds).toBeLessThanOrEqual(50);
  });

  test('is for what comes in: a response is stored and counted whatever the total', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    await lab.run(await lab.submit(store, { limit: 1, bytes: 1 }));

    await lab.expectCounted(RESPONSE);
    expect(await codeOf(lab.submit(store, { limit: RESPONSE, bytes: 0 }))).toBe('queue-full');
  });
});

describe('what is counted of a job', () => {
  test('is its request while it is open, and its response once it has settled, as long as that is kept', async () => {
    const { lab } = stage;
    const id = await lab.submit();
    await lab.expectCounted(BODY);
    await lab.run(id);
    await lab.expectCounted(RESPONSE);

    await lab.pass(HOUR - MINUTE);
    expect(await lab.total()).toBe(RESPONSE);
    await lab.pass(MINUTE);
    await lab.expectNothing();
  });

  test('is nothing once it was cancelled or has expired', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const cancelled = await lab.submit(store);
    await store.cancel({ id: cancelled, queue: QUEUE, owner: OWNER });
    const expired = await lab.submit(store);
    await lab.redis.hset(recordKey(lab.prefix, expired), 'deadline_at', 1);
    await store.examine({ id: expired, queue: QUEUE });
    const running = await lab.submit(store);
    await lab.jobs.start(running, 'other', MINUTE);
    await store.cancel({ id: running, queue: QUEUE, owner: OWNER });
    await lab.redis.hset(recordKey(lab.prefix, running), 'lease_until', 1);
    await store.examine({ id: running, queue: QUEUE });

    await lab.expectCounted(0);
    await lab.expectNothing();
  });

  test('is nothing of a job without bodies, also when it leaves others behind', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    await lab.submit(store);
    const empty = await lab.submit(store, { bytes: 0 });
    await store.cancel({ id: empty, queue: QUEUE, owner: OWNER });

    await lab.expectCounted(BODY);
  });

  test('is the last response too while it waits for another attempt', async () => {
    const { lab } = stage;
    const id = await lab.submit();
    await lab.attempt(id, { outcome: 'retry', delayMs: 0 });
    await lab.stored.setUsage(QUEUE, id, BODY + RESPONSE);
    await lab.expectCounted(BODY + RESPONSE);

    await lab.run(id);
    await lab.expectCounted(RESPONSE);
    await lab.stored.setUsage(QUEUE, id, BODY + RESPONSE);
    await lab.expectCounted(RESPONSE);
  });

  test('is request and response of a dead letter; a redrive gives the response up, and a purge both', async () => {
    const { lab } = stage;
    await lab.announce();
    const id = await lab.submit();
    await lab.run(id, { keepRequest: true });
    await lab.expectCounted(BODY + RESPONSE);
    const late = await lab.jobs.start(id, 'late', MINUTE);
    if (late.kind !== 'already-settled') throw new Error(late.kind);

    expect(await lab.administer((part) => redriveJob(part, id))).toEqual({ kind: 'redriven' });
    await lab.expectCounted(BODY);
    await lab.index.removeJob(QUEUE, id, late);
    await lab.expectCounted(BODY);

    await lab.run(id, { outcome: 'failed', keepRequest: true });
    await lab.expectCounted(BODY);
    expect(await lab.purge(id)).toBe('purged');
    await lab.index.removeJob(QUEUE, id, { ...late, expiresAt: late.expiresAt + 1 });
    await lab.expectCounted(0);
    await lab.expectNothing();
  });

  test('is one request for however many repeats under an idempotency key', async () => {
    const { lab } = stage;
    const claim: Claim = { key: 'k', fingerprint: 'request', ttlMs: MINUTE };
    const wishes = { claim, limit: BODY };
    const stores = Array.from({ length: 5 }, () => lab.gateway().store);
    const ids = await Promise.all([...stores, ...stores].map((store) => lab.submit(store, wishes)));
    expect(new Set(ids).size).toBe(1);
    await lab.expectCounted(BODY);

    await lab.run(ids[0] ?? '');
    await Promise.all(stores.map((store) => lab.submit(store, wishes)));
    await lab.expectCounted(RESPONSE);
  });
});

describe('a result that can be read once', () => {
  const deleteAfterRead = { job: { deleteAfterRead: true } };

  async function read(store: AccessStore, id: string, isSentLater: boolean): Promise<boolean> {
    const job = await stage.lab.jobs.read(id);
    return job !== undefined && takeResult(store, job, job.result ?? '', isSentLater);
  }

  test('is not counted after that, however late its worker is', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const id = await lab.submit(store, deleteAfterRead);
    const settled = await lab.attempt(id);
    if (settled.kind !== 'settled-now') throw new Error(settled.kind);

    expect(await read(store, id, false)).toBe(true);
    await lab.index.removeJob(QUEUE, id, settled);
    await lab.expectCounted(0);
    await lab.expectNothing();
  });

  test('is counted until it has been sent', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const id = await lab.submit(store, deleteAfterRead);
    await lab.run(id);

    expect([await read(store, id, true), await read(store, id, true)]).toEqual([true, false]);
    await lab.expectCounted(RESPONSE);
    await dropTaken(store, id, '1.1');
    await lab.expectCounted(0);
    await lab.expectNothing();
  });

  test('is kept no longer for a sender that never comes than it would have been without', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const id = await lab.submit(store, { job: { deleteAfterRead: true, resultTtlMs: MINUTE } });
    await lab.run(id);
    const response = responseKey(lab.prefix, id, '1.1');
    const before = await lab.redis.pttl(response);
    await lab.redis.pexpire(response, MINUTE);
    await read(store, id, true);

    expect(before).toBeGreaterThan(0);
    expect(await lab.redis.pttl(response)).toBeLessThanOrEqual(MINUTE);
  });

  test('is counted for as long as it is kept for a sender that never comes', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const id = await lab.submit(store, { job: { deleteAfterRead: true, resultTtlMs: 5 * HOUR } });
    await lab.run(id);
    await read(store, id, true);

    await lab.pass(HOUR);
    await lab.expectNothing();
  });
});
