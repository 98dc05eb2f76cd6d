// The Redis client keeps large replies in buffers of their own size. A client that hands out views of a shared, growing buffer
// holds up to a hundred times the memory of the chunks that are in use.
import { openWorkerClient, type RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { resolveConfig } from '../../schemas/resolve-config';
import { RedisServer } from '../helpers/redis-server';

const CHUNK_BYTES = 262_144;
const CHUNKS = 40;

/** At most one read of a socket. */
const SLACK_BYTES = 65_536;

let server: RedisServer;
let redis: RedisClient;

beforeAll(async () => {
  server = await RedisServer.start({ appendOnly: false });
  const { redis: settings } = resolveConfig({ redis: { port: server.port } });
  redis = openWorkerClient(settings, () => undefined);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

it('a chunk that arrives in several reads holds no more memory than its size and one read', async () => {
  const chunk = Buffer.alloc(CHUNK_BYTES, 'a');
  await redis.hset('chunks', '0', chunk);

  const replies = await Promise.all(Array.from({ length: CHUNKS }, () => redis.hgetBuffer('chunks', '0')));

  expect(replies).toHaveLength(CHUNKS);
  for (const reply of replies) {
    expect(reply?.equals(chunk)).toBe(true);
    expect(reply?.buffer.byteLength).toBeLessThanOrEqual(CHUNK_BYTES + SLACK_BYTES);
  }
});

it('so does a chunk that a reply of several values contains', async () => {
  const chunk = Buffer.alloc(CHUNK_BYTES, 'b');
  await redis.hset('parts', '0', chunk, 'head', 'h');

  const replies = await Promise.all(
    Array.from({ length: CHUNKS }, () => redis.hmgetBuffer('parts', 'head', '0')),
  );

  for (const [head, part] of replies) {
    expect(String(head)).toBe('h');
    expect(part?.equals(chunk)).toBe(true);
    expect(part?.buffer.byteLength).toBeLessThanOrEqual(CHUNK_BYTES + SLACK_BYTES);
  }
});
