// The bytes that a queue stores while requests come in whose bodies are not in memory, and the keys of the count.
import pino from 'pino';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { requestKey, storedBytesKey, storedKey } from '../../plugins/async-request-reply/redis/keys';
import { Sweeper } from '../../plugins/async-request-reply/worker/sweeper';
import { Latch } from '../helpers/latch';
import { until } from '../helpers/until';
import { BODY, codeOf, HOUR, jobOf, QUEUE, RESPONSE, type BytesLab } from './stored-bytes-kit/bytes-lab';
import { useBytesLab } from './stored-bytes-kit/use-bytes-lab';

/** How long the bytes of an upload are held after its last piece, at most. */
const UPLOAD_MS = 360_000;

const stage = useBytesLab();

describe('an upload', () => {
  const terms = (maxStoredBytes: number) => ({ maxWaiting: 1000, maxStoredBytes });
  const upload = (body: AsyncIterable<Buffer>, length?: number) => ({ body, length, maxBytes: 1e9 });
  // eslint-disable-next-line @typescript-eslint/require-await -- it stands for what comes over a socket
  async function* pieces(count: number, bytes: number): AsyncGenerator<Buffer> {
    for (let piece = 0; piece < count; piece++) yield Buffer.alloc(bytes, piece);
  }

  test('has its room before its first byte, where its length is known', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const [asked, given] = [new Latch(), new Latch()];
    async function* held(): AsyncGenerator<Buffer> {
      asked.open();
      await given.opened;
      yield Buffer.alloc(BODY);
    }
    const receiving = store.uploads.receive(jobOf('stored'), upload(held(), BODY), terms(BODY));
    await asked.opened;
    expect(await lab.total()).toBe(BODY);
    expect(await codeOf(lab.submit(store, { limit: BODY, bytes: 0 }))).toBe('queue-full');
    given.open();

    const job = await receiving;
    await lab.expectCounted(BODY);
    await lab.accept(store, job, { limit: BODY });
    await lab.expectCounted(BODY);
    await lab.run(job.id);
    await lab.expectCounted(RESPONSE);
  });

  test('goes within minutes where no job comes of it, and lives as long as its job where one does', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    const job = await store.uploads.receive(jobOf('stored'), upload(pieces(1, BODY)), terms(0));
    const lifeMs = () => lab.redis.pttl(requestKey(lab.prefix, job.id));

    expect(await lifeMs()).toBeGreaterThan(0);
    expect(await lifeMs()).toBeLessThan(UPLOAD_MS);
    await lab.accept(store, job);
    expect(await lifeMs()).toBeGreaterThan(HOUR);
  });

  test('is refused before its first byte is read, where its length is known', async () => {
    const { lab } = stage;
    const body = pieces(1, BODY);
    const receiving = lab
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(body, BODY), terms(BODY - 1));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect((await body.next()).done).toBe(false);
    expect(await lab.redis.keys(`${lab.prefix}:*`)).toEqual([]);
  });

  test('is refused at its end, and nothing is left of it, where its length is not known', async () => {
    const { lab } = stage;
    const receiving = lab
      .gateway()
      .store.uploads.receive(jobOf('stored'), upload(pieces(1, BODY)), terms(BODY - 1));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect(await lab.redis.keys(`${lab.prefix}:*`)).toEqual([]);
  });

  test('is refused before its end, where it is far over', async () => {
    const { lab } = stage;
    let given = 0;
    async function* body(): AsyncGenerator<Buffer> {
      for await (const piece of pieces(10_000, 1024)) {
        given += 1;
        yield piece;
      }
    }
    const receiving = lab.gateway().store.uploads.receive(jobOf('stored'), upload(body()), terms(BODY));
    expect(await codeOf(receiving)).toBe('queue-full');
    expect(given).toBeLessThan(10_000);
    expect(await lab.redis.keys(`${lab.prefix}:*`)).toEqual([]);
  });

  test('is counted as it comes, and exactly in the end, where its length is not known', async () => {
    const { lab } = stage;
    const { store } = lab.gateway();
    let counted = 0;
    async function* body(): AsyncGenerator<Buffer> {
      yield* pieces(2048, 1024);
      counted = await lab.total();
      yield Buffer.alloc(5);
    }
    const job = await store.uploads.receive(jobOf('stored'), upload(body()), terms(0));

    expect(counted).toBeGreaterThanOrEqual(1024 * 1024);
    await lab.expectCounted(2048 * 1024 + 5);
    await store.uploads.discard(job);
    await lab.expectCounted(0);
    await lab.expectNothing();
  });

  test('is counted no more when it breaks off', async () => {
    const { lab } = stage;
    async function* broken(): AsyncGenerator<Buffer> {
      yield* pieces(1, BODY);
      throw new Error('broken off');
    }
    const receiving = lab.gateway().store.uploads.receive(jobOf('stored'), upload(broken(), BODY), terms(0));
    await expect(receiving).rejects.toThrow('broken off');
    await lab.expectCounted(0);
    await lab.expectNothing();
  });

  test('is counted for a while after its receiver was killed', async () => {
    const { lab } = stage;
    const killed = new Latch();
    async function* lost(): AsyncGenerator<Buffer> {
      yield* pieces(1, BODY);
      killed.open();
      await new Promise(() => undefined);
    }
    void lab.gateway().store.uploads.receive(jobOf('stored'), upload(lost(), BODY), terms(0));
    await killed.opened;
    expect(await lab.total()).toBe(BODY);
    await lab.pass(UPLOAD_MS);
    await lab.expectNothing();
  });
});

describe('the keys', () => {
  const keysOf = ({ prefix }: BytesLab): [string, string] => [
    storedKey(prefix, QUEUE),
    storedBytesKey(prefix, QUEUE),
  ];

  test('share the slot of the queue, and go by themselves with the last of their entries', async () => {
    const { lab } = stage;
    const keys = keysOf(lab);
    expect(keys.map((key) => /\{([^}]*)\}/.exec(key)?.[1])).toEqual([QUEUE, QUEUE]);

    await lab.submit(undefined, { job: { openTtlMs: 3 * HOUR } });
    await lab.submit(undefined, { job: { openTtlMs: HOUR } });
    const ttls = await Promise.all(keys.map((key) => lab.redis.pttl(key)));
    for (const ttl of ttls) {
      expect(ttl).toBeGreaterThan(2 * HOUR);
      expect(ttl).toBeLessThanOrEqual(3 * HOUR);
    }
  });

  const hold = ({ stored }: BytesLab, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => stored.reserve(QUEUE, newJobId(), 10, 0, HOUR)));

  test('are tidied by an accept that needs the room, however much has gone', async () => {
    const { lab } = stage;
    const [stored, bytes] = keysOf(lab);
    await hold(lab, 1200);
    expect(await lab.total()).toBe(12_000);
    await lab.pass(HOUR);
    expect(await lab.total()).toBe(0);
    expect(await lab.redis.hget(bytes, 'total')).toBe('12000');

    await lab.submit(undefined, { limit: BODY });
    await lab.expectCounted(BODY);
    expect([await lab.redis.zcard(stored), await lab.redis.hlen(bytes)]).toEqual([1, 2]);
  });

  test('are tidied by the sweep', async () => {
    const { lab } = stage;
    const [stored] = keysOf(lab);
    await hold(lab, 600);
    await lab.pass(HOUR);
    const { redis, prefix, jobs, index } = lab;
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
    await lab.expectNothing();
  });
});
