// Requests and responses in Redis under encryption keys: read whole and in parts, and refused where anything was changed.
import { randomBytes } from 'node:crypto';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { EncryptionKeys } from '../../plugins/async-request-reply/secrets/encryption-keys';
import { CallbackStore } from '../../plugins/async-request-reply/callbacks/callback-store';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';
import { CHUNK_BYTES } from '../../plugins/async-request-reply/payloads/payload';
import type { RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { newJob } from '../helpers/new-job';
import { startJobStore } from '../helpers/start-job-store';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'encrypted';
const KEYS = new KeySpace(PREFIX);
const LONG = 60_000;
const MARKER = 'a-marker-that-is-nowhere-in-clear';
const HEAD = { status: 200, headers: [['X-Marker', MARKER]] as const };
const TERMS = { url: `https://example.com/${MARKER}`, secret: 'fingerprint', allowPrivate: false };

const newKeys = (): EncryptionKeys => new EncryptionKeys([randomBytes(32).toString('base64')]);
const keys = newKeys();
const key = keys.first;

let redis: RedisClient;
let store: JobStore;

useResources(async (resources) => void ({ redis, store } = await startJobStore(PREFIX, resources)));

const secretJob = (change: Partial<NewJob> = {}): NewJob =>
  newJob({
    body: Buffer.from(MARKER),
    key,
    callback: TERMS,
    request: {
      method: 'POST',
      path: `/${MARKER}`,
      target: { scheme: 'http', host: 'h', port: 1 },
      headers: [['x-marker', MARKER]],
    },
    ...change,
  });

/** Stores a response in pieces of odd sizes. */
async function storeResponse(body: Buffer, head: object = HEAD, id = newJobId()): Promise<string> {
  const writer = store.payloads.writeResponse(id, '1.1', head as typeof HEAD, { ttlMs: LONG, key });
  for (let at = 0; at < body.length; at += 100_003) {
    await writer.write(body.subarray(at, at + 100_003));
  }
  await writer.finish(head);
  return id;
}

const response = (id: string, keySource: EncryptionKeys = keys) =>
  store.payloads.readResponse(id, '1.1', keySource);
const responseBody = async (id: string) => (await response(id))?.body();

/** All that Redis has, names and values. */
async function everything(): Promise<string> {
  const names = await redis.keys('*');
  const values = await Promise.all(
    names.map(async (name) => {
      const type = await redis.type(name);
      return type === 'hash' ? Object.entries(await redis.hgetallBuffer(name)).flat() : [];
    }),
  );
  return [...names, ...values.flat()].map((one) => one.toString('latin1')).join('\n');
}

describe('what is stored', () => {
  test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 700_000])(
    'an encrypted payload of %i bytes can be read',
    async (bytes) => {
      const body = randomBytes(bytes);
      const id = await storeResponse(body);
      const stored = await response(id);

      expect([stored?.head, stored?.bytes]).toEqual([HEAD, bytes]);
      expect((await stored?.body())?.equals(body)).toBe(true);
      expect(await redis.hlen(KEYS.response(id, '1.1'))).toBe(1 + Math.ceil(bytes / CHUNK_BYTES));
    },
  );

  test('an encrypted payload can be read in parts, across chunks', async () => {
    const body = randomBytes(3 * CHUNK_BYTES);
    const id = await storeResponse(body);
    for (const [start, end] of [
      [0, 0],
      [CHUNK_BYTES - 5, CHUNK_BYTES + 5],
      [CHUNK_BYTES, 2 * CHUNK_BYTES - 1],
      [body.length - 1, body.length - 1],
    ] as const) {
      expect((await (await response(id))?.body(start, end))?.equals(body.subarray(start, end + 1))).toBe(
        true,
      );
    }
  });

  test('a payload is compressed before it is encrypted', async () => {
    const body = Buffer.alloc(2 * CHUNK_BYTES, `${MARKER} `);
    const id = await storeResponse(body, { status: 200, headers: [['content-type', 'text/plain']] });

    expect(await redis.memory('USAGE', KEYS.response(id, '1.1'))).toBeLessThan(20_000);
    expect((await responseBody(id))?.equals(body)).toBe(true);
  });

  test('request line, headers, bodies and callback are in Redis in clear only without a key', async () => {
    const clear = secretJob({ key: undefined });
    await store.create(clear);
    expect((await everything()).split(MARKER).length).toBeGreaterThan(4);
    await redis.flushall();

    const job = secretJob();
    await store.create(job);
    await storeResponse(Buffer.alloc(300_000, MARKER), HEAD, job.id);
    expect(await everything()).not.toContain(MARKER);
    expect((await store.payloads.readRequest(job.id, keys))?.head).toEqual(job.request);
  });

  test('a payload in clear can be read with keys configured', async () => {
    const job = secretJob({ key: undefined });
    await store.create(job);
    expect((await store.payloads.readRequest(job.id, keys))?.head).toEqual(job.request);
  });
});

describe('a response is rejected', () => {
  const body = randomBytes(3 * CHUNK_BYTES);
  const altered = { code: 'ARR_PAYLOAD_ALTERED' };
  const fieldsOf = (id: string): string => KEYS.response(id, '1.1');
  const take = (id: string, field: string) => redis.hgetBuffer(fieldsOf(id), field) as Promise<Buffer>;

  test.each(['head', '0', '1', '2'])('if a byte of %s was changed', async (field) => {
    const id = await storeResponse(body);
    const value = await take(id, field);
    value.writeUInt8(value.readUInt8(value.length >> 1) ^ 128, value.length >> 1);
    await redis.hset(fieldsOf(id), field, value);
    await expect(responseBody(id)).rejects.toMatchObject(altered);
  });

  test('if two chunks were swapped', async () => {
    const id = await storeResponse(body);
    await redis.hset(fieldsOf(id), '0', await take(id, '1'), '1', await take(id, '0'));
    await expect(responseBody(id)).rejects.toMatchObject(altered);
  });

  test('if its last chunk was deleted', async () => {
    const id = await storeResponse(body);
    await redis.hdel(fieldsOf(id), '2');
    await expect(responseBody(id)).rejects.toMatchObject({ code: 'ARR_PAYLOAD_LOST' });
  });

  test('if another chunk replaces the last', async () => {
    const id = await storeResponse(body);
    await redis.hset(fieldsOf(id), '2', await take(id, '1'));
    await expect(responseBody(id)).rejects.toMatchObject(altered);
  });

  test('if a chunk, or all of it, belongs to another job', async () => {
    const [id, other] = [await storeResponse(body), await storeResponse(body)];
    await redis.hset(fieldsOf(id), '1', await take(other, '1'));
    await expect(responseBody(id)).rejects.toMatchObject(altered);
    await redis.copy(fieldsOf(other), fieldsOf(id), 'REPLACE');
    await expect(responseBody(id)).rejects.toMatchObject(altered);
  });

  test('with other keys, and names the missing key', async () => {
    const id = await storeResponse(body);
    const missing = { code: 'ARR_KEY_MISSING', keyId: key?.id };
    await expect(response(id, newKeys())).rejects.toMatchObject(missing);
    await expect(response(id, new EncryptionKeys([]))).rejects.toMatchObject(missing);
  });
});

test('of two submits that create the same job the first has its request stored', async () => {
  const job = secretJob();
  await store.create(job);
  await store.create({ ...job, key: newKeys().first });

  expect((await store.payloads.readRequest(job.id, keys))?.head).toEqual(job.request);
  expect(await redis.hlen(KEYS.request(job.id))).toBe(2);
});

test('the options of a callback can be read with the key', async () => {
  const job = secretJob();
  await store.create(job);
  await store.cancel(job.id);
  const settlement = (with_: EncryptionKeys) => new CallbackStore(redis, KEYS, with_).settlement(job.id);

  expect((await settlement(keys))?.options).toEqual(TERMS);
  await expect(settlement(newKeys())).rejects.toMatchObject({ code: 'ARR_KEY_MISSING' });
  expect(await redis.hget(KEYS.record(job.id), 'callback')).not.toContain('https');
});
