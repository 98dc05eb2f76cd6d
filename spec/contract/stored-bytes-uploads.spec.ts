// The bytes that a queue stores while requests come in whose bodies are not in memory, and the keys of the count.
import pino from 'pino';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { requestKey, storedBytesKey, storedKey } from '../../plugins/async-request-reply/redis/keys';
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

/** How long the bytes of an upload are held after its last piece, at most. */
const UPLOAD_MS = 360_000;

const fixture = useBytesFixture();

describe('an upload', () => {
  const terms = (maxStoredBytes: number) => ({ maxWaiting: 1000, maxStoredBytes });
  const upload = (body: AsyncIterable<Buffer>, length?: number) => ({ body, length, maxBytes: 1e9 });
  // eslint-disable-next-line @typescript-eslint/require-await -- it stands for what comes over a socket
  async function* pieces(count: number, bytes: number): AsyncGenerator<Buffer> {
    for (let piece = 0; piece < count; piece++) yield Buffer.alloc(bytes, piece);
  }

  test('has its room before its first byte, where its length is known', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const [asked, given] = [new Latch(), new Latch()];
    async function* held(): AsyncGenerator<Buffer> {
      asked.open();
      await given.opened;
      yield Buffer.alloc(BODY);
    }
    const receiving = store.uploads.receive(jobOf('stored'), upload(held(), BODY), terms(BODY));
    await asked.opened;
    expect(await system.total()).toBe(BODY);
    expect(await codeOf(system.submit(store, { limit: BODY, bytes: 0 }))).toBe('queue-full');
    given.open();

    const job = await receiving;
    await system.expectCounted(BODY);
    await system.accept(store, job, { limit: BODY });
    await system.expectCounted(BODY);
    await system.run(job.id);
    await system.expectCounted(RESPONSE);
  });

  test('goes within minutes where no job comes of it, and lives as long as its job where one does', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    const job = await store.uploads.receive(jobOf('stored'), upload(pieces(1, BODY)), terms(0));
    const lifeMs = () => system.redis.pttl(requestKey(system.prefix, job.id));

    expect(await lifeMs()).toBeGreaterThan(0);
    expect(await lifeMs()).toBeLessThan(UPLOAD_MS);
    await system.accept(store, job);
    expect(await lifeMs()).toBeGreaterThan(HOUR);
  });

  test('is refused before its first byte is read, where its length is known', async () => {
    const { system } = fixture;
    const body = pieces(1, BODY);
    const receiving = system
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(body, BODY), terms(BODY - 1));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect((await body.next()).done).toBe(false);
    expect(await system.redis.keys(`${system.prefix}:*`)).toEqual([]);
  });

  test('is refused at its end, and nothing is left of it, where its length is not known', async () => {
    const { system } = fixture;
    const receiving = system
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(pieces(1, BODY)), terms(BODY - 1));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect(await system.redis.keys(`${system.prefix}:*`)).toEqual([]);
  });

  test('is refused before its end, where it is far over', async () => {
    const { system } = fixture;
    let given = 0;
    async function* body(): AsyncGenerator<Buffer> {
      for await (const piece of pieces(10_000, 1024)) {
        given += 1;
        yield piece;
      }
    }
    const receiving = system.gateway().store.uploads.receive(jobOf('stored'), upload(body()), terms(BODY));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect(given).toBeLessThan(10_000);
    expect(await system.redis.keys(`${system.prefix}:*`)).toEqual([]);
  });

  test('is counted as it comes, and exactly in the end, where its length is not known', async () => {
    const { system } = fixture;
    const { store } = system.gateway();
    let counted = 0;
    async function* body(): AsyncGenerator<Buffer> {
      yield* pieces(2048, 1024);
      counted = await system.total();
      yield Buffer.alloc(5);
    }
    const job = await store.uploads.receive(jobOf('stored'), upload(body()), terms(0));

    expect(counted).toBeGreaterThanOrEqual(1024 * 1024);
    await system.expectCounted(2048 * 1024 + 5);
    await store.uploads.discard(job);
    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('is counted no more when it breaks off', async () => {
    const { system } = fixture;
    async function* broken(): AsyncGenerator<Buffer> {
      yield* pieces(1, BODY);
      throw new Error('broken off');
    }
    const receiving = system
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(broken(), BODY), terms(0));
    await expect(receiving).rejects.toThrow('broken off');
    await system.expectCounted(0);
    await system.expectNothing();
  });

  test('is counted for a while after its receiver was killed', async () => {
    const { system } = fixture;
    const killed = new Latch();
    async function* lost(): AsyncGenerator<Buffer> {
      yield* pieces(1, BODY);
      killed.open();
      await new Promise(() => undefined);
    }
    void system.gateway().store.uploads.receive(jobOf('stored'), upload(lost(), BODY), terms(0));
    await killed.opened;
    expect(await system.total()).toBe(BODY);
    await system.pass(UPLOAD_MS);
    await system.expectNothing();
  });
});

describe('the keys', () => {
  const keysOf = ({ prefix }: BytesSystem): [string, string] => [
    storedKey(prefix, QUEUE),
    storedBytesKey(prefix, QUEUE),
  ];

  test('share the slot of the queue, and go by themselves with the last of their entries', async () => {
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

  const hold = ({ stored }: BytesSystem, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => stored.reserve(QUEUE, newJobId(), 10, 0, HOUR)));

  test('are tidied by an accept that needs the room, however much has gone', async () => {
    const { system } = fixture;
    const [stored, bytes] = keysOf(system);
    await hold(system, 1200);
    expect(await system.total()).toBe(12_000);
    await system.pass(HOUR);
    expect(await system.total()).toBe(0);
    expect(await system.redis.hget(bytes, 'total')).toBe('12000');

    await system.submit(undefined, { limit: BODY });
    await system.expectCounted(BODY);
    expect([await system.redis.zcard(stored), await system.redis.hlen(bytes)]).toEqual([1, 2]);
  });

  test('are tidied by the sweep', async () => {
    const { system } = fixture;
    const [stored] = keysOf(system);
    await hold(system, 600);
    await system.pass(HOUR);
    const { redis, prefix, jobs, index } = system;
    const scheduler = openScheduler(redis, prefix, QUEUE);
    const parts = { redis, prefix, jobs, index, stalledCheckMs: HOUR, log: pino({ level: 'silent' }) };
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
