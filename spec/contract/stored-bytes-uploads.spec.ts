// The stored bytes of a queue while uploads arrive whose bodies are not in memory, and the Redis keys of the count.
import pino from 'pino';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { Sweeper } from '../../plugins/async-request-reply/worker/sweeper';
import { Latch } from '../helpers/latch';
import { until } from '../helpers/until';
import {
  BODY,
  codeOf,
  HOUR,
  jobOf,
  QUEUE,
  RESPONSE,
  type BytesSystem,
} from './stored-bytes-fixture/bytes-system';
import { useBytesFixture } from './stored-bytes-fixture/use-bytes-fixture';

/** How long the bytes of an upload are reserved after its last piece, at most. */
const UPLOAD_MS = 360_000;

const fixture = useBytesFixture();

describe('an upload', () => {
  const options = (maxStoredBytes: number) => ({ maxWaiting: 1000, maxStoredBytes });
  const upload = (body: AsyncIterable<Buffer>, length?: number) => ({ body, length, maxBytes: 1e9 });
  // eslint-disable-next-line @typescript-eslint/require-await -- it replaces a socket
  async function* pieces(count: number, bytes: number): AsyncGenerator<Buffer> {
    for (let piece = 0; piece < count; piece++) yield Buffer.alloc(bytes, piece);
  }

  test('with a known length reserves its bytes before its first byte', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const [requested, sent] = [new Latch(), new Latch()];
    async function* delayed(): AsyncGenerator<Buffer> {
      requested.open();
      await sent.opened;
      yield Buffer.alloc(BODY);
    }
    const receiving = store.uploads.receive(jobOf('stored'), upload(delayed(), BODY), options(BODY));
    await requested.opened;
    expect(await system.total()).toBe(BODY);
    expect(await codeOf(system.submit(store, { limit: BODY, bytes: 0 }))).toBe('queue-full');
    sent.open();

    const job = await receiving;
    await system.expectCounted(BODY);
    await system.accept(store, job, { limit: BODY });
    await system.expectCounted(BODY);
    await system.run(job.id);
    await system.expectCounted(RESPONSE);
  });

  test('expires within minutes if it becomes no job, and lives as long as the job otherwise', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const job = await store.uploads.receive(jobOf('stored'), upload(pieces(1, BODY)), options(0));
    const lifeMs = () => system.redis.pttl(system.keys.request(job.id));

    expect(await lifeMs()).toBeGreaterThan(0);
    expect(await lifeMs()).toBeLessThan(UPLOAD_MS);
    await system.accept(store, job);
    expect(await lifeMs()).toBeGreaterThan(HOUR);
  });

  test('with a known length that exceeds the limit is rejected before its first byte is read', async () => {
    const { system } = fixture;
    const body = pieces(1, BODY);
    const receiving = system
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(body, BODY), options(BODY - 1));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect((await body.next()).done).toBe(false);
    expect(await system.redis.keys(`${system.prefix}:*`)).toEqual([]);
  });

  test('with an unknown length that exceeds the limit is rejected at its end, and deleted', async () => {
    const { system } = fixture;
    const receiving = system
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(pieces(1, BODY)), options(BODY - 1));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect(await system.redis.keys(`${system.prefix}:*`)).toEqual([]);
  });

  test('with an unknown length far over the limit is rejected before its end', async () => {
    const { system } = fixture;
    let given = 0;
    async function* body(): AsyncGenerator<Buffer> {
      for await (const piece of pieces(10_000, 1024)) {
        given += 1;
        yield piece;
      }
    }
    const receiving = system.gateway().store.uploads.receive(jobOf('stored'), upload(body()), options(BODY));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect(given).toBeLessThan(10_000);
    expect(await system.redis.keys(`${system.prefix}:*`)).toEqual([]);
  });

  test('with an unknown length is counted while it arrives, and exactly at its end', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    let counted = 0;
    async function* body(): AsyncGenerator<Buffer> {
      yield* pieces(2048, 1024);
      counted = await system.total();
      yield Buffer.alloc(5);
    }
    const job = await store.uploads.receive(jobOf('stored'), upload(body()), options(0));

    expect(counted).toBeGreaterThanOrEqual(1024 * 1024);
    await system.expectCounted(2048 * 1024 + 5);
    await store.uploads.discard(job);
    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('is no longer counted once it breaks off', async () => {
    const { system } = fixture;
    async function* broken(): AsyncGenerator<Buffer> {
      yield* pieces(1, BODY);
      throw new Error('broken off');
    }
    const receiving = system
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(broken(), BODY), options(0));
    await expect(receiving).rejects.toThrow('broken off');
    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('is counted until its reservation expires if the receiver is killed', async () => {
    const { system } = fixture;
    const killed = new Latch();
    async function* lost(): AsyncGenerator<Buffer> {
      yield* pieces(1, BODY);
      killed.open();
      await new Promise(() => undefined);
    }
    void system.gateway().store.uploads.receive(jobOf('stored'), upload(lost(), BODY), options(0));
    await killed.opened;
    expect(await system.total()).toBe(BODY);
    await system.pass(UPLOAD_MS);
    await system.expectNothing();
  });
});

describe('the keys of the count', () => {
  const keysOf = ({ keys }: BytesSystem): [string, string] => [keys.stored(QUEUE), keys.storedBytes(QUEUE)];

  test('are in the hash slot of the queue, and expire with the last of their entries', async () => {
    const { system } = fixture;
    const keys = keysOf(system);
    expect(keys.map((key) => /\{([^}]*)\}/.exec(key)?.[1])).toEqual([QUEUE, QUEUE]);

    await system.submit(undefined, { job: { openTtlMs: 3 * HOUR } });
    await system.submit(undefined, { job: { openTtlMs: HOUR } });
    const ttls = await Promise.all(keys.map((key) => system.redis.pttl(key)));
    for (const ttl of ttls) {
      expect(ttl).toBeGreaterThan(2 * HOUR);
      expect(ttl).toBeLessThanOrEqual(3 * HOUR);
    }
  });

  const reserve = ({ stored }: BytesSystem, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, () =>
        stored.reserve(QUEUE, newJobId(), { bytes: 10, maxBytes: 0, lifeMs: HOUR }),
      ),
    );

  test('are cleaned by an accept that needs the bytes, however many entries have expired', async () => {
    const { system } = fixture;
    const [stored, bytes] = keysOf(system);
    await reserve(system, 1200);
    expect(await system.total()).toBe(12_000);
    await system.pass(HOUR);
    expect(await system.total()).toBe(0);
    expect(await system.redis.hget(bytes, 'total')).toBe('12000');

    await system.submit(undefined, { limit: BODY });
    await system.expectCounted(BODY);
    expect([await system.redis.zcard(stored), await system.redis.hlen(bytes)]).toEqual([1, 2]);
  });

  test('are cleaned by the sweeper', async () => {
    const { system } = fixture;
    const [stored] = keysOf(system);
    await reserve(system, 600);
    await system.pass(HOUR);
    const { redis, keys, jobs, index } = system;
    const scheduler = openScheduler(redis, keys, QUEUE);
    const parts = { redis, keys, jobs, index, stalledCheckMs: HOUR, log: pino({ level: 'silent' }) };
    const sweeper = new Sweeper(parts, QUEUE, scheduler);
    sweeper.start();
    try {
      await until('nothing to be left', async () => (await redis.exists(stored)) === 0);
    } finally {
      await sweeper.stop();
      await scheduler.close();
    }
    await system.expectNothing();
  });
});
