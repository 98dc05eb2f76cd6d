// The stored bytes of a queue (max_stored_bytes): the limit holds under concurrent submits, and the count equals the bytes of the
// bodies in Redis.
import { redriveJob } from '../../plugins/async-request-reply/queue/redrive-job';
import { AccessStore } from '../../plugins/async-request-reply/accept/access-store';
import type { Claim } from '../../plugins/async-request-reply/queue/idempotency-store';
import { dropTaken, takeResult } from '../../plugins/async-request-reply/access/poll/consume-result';
import { BODY, codeOf, HOUR, MINUTE, QUEUE, RESPONSE } from './stored-bytes-fixture/bytes-system';
import { useBytesFixture } from './stored-bytes-fixture/use-bytes-fixture';

const fixture = useBytesFixture();

describe('the limit of stored bytes', () => {
  test('accepts exactly as many of 200 concurrent submits as fit, and stores nothing of the others', async () => {
    const { system } = fixture;
    const capacity = 37;
    const limit = capacity * BODY + BODY - 1;
    const gateways = Array.from({ length: 5 }, () => system.gateway());
    await Promise.all(gateways.map(({ client }) => client.time()));
    const codes = await Promise.all(
      Array.from({ length: 40 }).flatMap(() =>
        gateways.map(({ store }) => codeOf(system.submit(store, { limit }))),
      ),
    );

    expect(codes.filter((code) => code === 'accepted')).toHaveLength(capacity);
    expect(codes.filter((code) => code === 'queue-full')).toHaveLength(200 - capacity);
    await system.expectCounted(capacity * BODY);
    expect(await system.redis.zcard(system.keys.slots(QUEUE))).toBe(capacity);
  });

  test('accepts a body that reaches it exactly, and then rejects every submit, even without a body', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const submit = (limit: number, bytes: number) => codeOf(system.submit(store, { limit, bytes }));

    expect(await submit(BODY, BODY + 1)).toBe('queue-full');
    expect(await submit(BODY, BODY)).toBe('accepted');
    expect(await submit(BODY, 0)).toBe('queue-full');
    expect(await submit(0, BODY)).toBe('accepted');
    await system.expectCounted(2 * BODY);
  });

  test('is named in the problem, whose Retry-After is when stored bytes expire', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const id = await system.submit(store);
    const refusal = () =>
      system.submit(store, { limit: RESPONSE, bytes: 1 }).catch((error: unknown) => error) as Promise<{
        message: string;
        retryAfterSeconds: number;
      }>;

    expect(await refusal()).toMatchObject({ code: 'queue-full', retryAfterSeconds: 60 });
    expect((await refusal()).message).toContain('bytes');
    await system.run(id);
    await system.pass(HOUR - 50_000);
    const { retryAfterSeconds } = await refusal();
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(retryAfterSeconds).toBeLessThanOrEqual(50);
  });

  test('applies to requests only: a response is always stored and counted', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    await system.run(await system.submit(store, { limit: 1, bytes: 1 }));

    await system.expectCounted(RESPONSE);
    expect(await codeOf(system.submit(store, { limit: RESPONSE, bytes: 0 }))).toBe('queue-full');
  });
});

describe('the stored bytes of a job', () => {
  test('are its request while it is open, and its response from settling until the result expires', async () => {
    const { system } = fixture;
    const id = await system.submit();
    await system.expectCounted(BODY);
    await system.run(id);
    await system.expectCounted(RESPONSE);

    await system.pass(HOUR - MINUTE);
    expect(await system.total()).toBe(RESPONSE);
    await system.pass(MINUTE);
    await system.expectNothing();
  });

  test('are zero once it is cancelled or expired', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const cancelled = await system.submit(store);
    await store.cancel({ id: cancelled, queue: QUEUE });
    const expired = await system.submit(store);
    await system.redis.hset(system.keys.record(expired), 'deadline_at', 1);
    await store.examine({ id: expired, queue: QUEUE });
    const running = await system.submit(store);
    await system.jobs.start(running, 'other', MINUTE);
    await store.cancel({ id: running, queue: QUEUE });
    await system.redis.hset(system.keys.record(running), 'lease_until', 1);
    await store.examine({ id: running, queue: QUEUE });

    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('are zero without bodies, and its end does not change the count of others', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    await system.submit(store);
    const empty = await system.submit(store, { bytes: 0 });
    await store.cancel({ id: empty, queue: QUEUE });

    await system.expectCounted(BODY);
  });

  test('include the last response while it waits for another attempt', async () => {
    const { system } = fixture;
    const id = await system.submit();
    await system.attempt(id, { outcome: 'retry', delayMs: 0 });
    await system.stored.setUsage(QUEUE, id, BODY + RESPONSE);
    await system.expectCounted(BODY + RESPONSE);

    await system.run(id);
    await system.expectCounted(RESPONSE);
    await system.stored.setUsage(QUEUE, id, BODY + RESPONSE);
    await system.expectCounted(RESPONSE);
  });

  test('are request and response for a dead letter; a redrive deletes the response, a purge both', async () => {
    const { system } = fixture;
    await system.announce();
    const id = await system.submit();
    await system.run(id, { keepRequest: true });
    await system.expectCounted(BODY + RESPONSE);
    const late = await system.jobs.start(id, 'late', MINUTE);
    if (late.kind !== 'already-settled') throw new Error(late.kind);

    expect(await system.administer((part) => redriveJob(part, id))).toEqual({ kind: 'redriven' });
    await system.expectCounted(BODY);
    await system.index.removeJob(QUEUE, id, late);
    await system.expectCounted(BODY);

    await system.run(id, { outcome: 'failed', keepRequest: true });
    await system.expectCounted(BODY);
    expect(await system.purge(id)).toBe('purged');
    await system.index.removeJob(QUEUE, id, { ...late, expiresAt: late.expiresAt + 1 });
    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('are one request for any number of repeats under an idempotency key', async () => {
    const { system } = fixture;
    const claim: Claim = { key: 'k', fingerprint: 'request', ttlMs: MINUTE };
    const wishes = { claim, limit: BODY };
    const stores = Array.from({ length: 5 }, () => system.gateway().store);
    const ids = await Promise.all([...stores, ...stores].map((store) => system.submit(store, wishes)));
    expect(new Set(ids).size).toBe(1);
    await system.expectCounted(BODY);

    await system.run(ids[0] ?? '');
    await Promise.all(stores.map((store) => system.submit(store, wishes)));
    await system.expectCounted(RESPONSE);
  });
});

describe('a result that is deleted after its read', () => {
  const deleteAfterRead = { job: { deleteAfterRead: true } };

  async function read(store: AccessStore, id: string, isSentLater: boolean): Promise<boolean> {
    const job = await fixture.system.jobs.read(id);
    return job !== undefined && takeResult(store, job, job.result ?? '', isSentLater);
  }

  test('is not counted after the read, even if its worker updates the queue later', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const id = await system.submit(store, deleteAfterRead);
    const settled = await system.attempt(id);
    if (settled.kind !== 'settled-now') throw new Error(settled.kind);

    expect(await read(store, id, false)).toBe(true);
    await system.index.removeJob(QUEUE, id, settled);
    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('is counted until it has been sent completely', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const id = await system.submit(store, deleteAfterRead);
    await system.run(id);

    expect([await read(store, id, true), await read(store, id, true)]).toEqual([true, false]);
    await system.expectCounted(RESPONSE);
    await dropTaken(store, id, '1.1');
    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('does not live longer than its TTL if it is never sent', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const id = await system.submit(store, { job: { deleteAfterRead: true, resultTtlMs: MINUTE } });
    await system.run(id);
    const response = system.keys.response(id, '1.1');
    const before = await system.redis.pttl(response);
    await system.redis.pexpire(response, MINUTE);
    await read(store, id, true);

    expect(before).toBeGreaterThan(0);
    expect(await system.redis.pttl(response)).toBeLessThanOrEqual(MINUTE);
  });

  test('is counted until it expires if it is never sent', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const id = await system.submit(store, { job: { deleteAfterRead: true, resultTtlMs: 5 * HOUR } });
    await system.run(id);
    await read(store, id, true);

    await system.pass(HOUR);
    await system.expectNothing();
  });
});
