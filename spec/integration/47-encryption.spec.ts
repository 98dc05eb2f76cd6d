// `encryption.keys`: nothing that clients and upstreams send lies in Redis in clear, keys can be changed, and what cannot
// be decrypted is a clear failure.
import { randomBytes } from 'node:crypto';
import { fingerprint } from '../../plugins/async-request-reply/secrets/fingerprint';
import { newEncryptionKey, routeWithKeys } from '../helpers/encryption';
import type { HttpResponse } from '../helpers/http-client';
import { problemOf } from '../helpers/problem';
import { redisContents } from '../helpers/redis-contents';
import type { RouteOptions } from '../helpers/stack/kong-config';
import { until } from '../helpers/until';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const LARGE_BYTES = 700_000;
const CHUNK_BYTES = 256 * 1024;

const [FIRST, SECOND] = [newEncryptionKey(), newEncryptionKey()];

/** Nothing listens there, so the callback stays in Redis. */
const CALLBACK = 'https://localhost:9';
const callback = {
  base_url: 'https://api.example.com',
  targets: [
    {
      host: 'localhost',
      ports: [9],
      allow_private: true,
      secrets: [`whsec_${randomBytes(24).toString('base64')}`],
    },
  ],
};

const resultUrl = (path: string, id: string): string => `${path}?async-id=${id}&async-view=result`;

/** A body of so many bytes that has `marker` early on, and is no text. */
function bodyWith(marker: string, bytes: number): Buffer {
  const body = randomBytes(Math.max(bytes, 100 + marker.length));
  body.write(marker, 50);
  return body;
}

describe('a gateway with its own worker', () => {
  const routes = (keys?: string[]): RouteOptions[] => [
    routeWithKeys('sealed', [FIRST], { callback }),
    routeWithKeys('clear', undefined, { callback }),
    routeWithKeys('turning', keys),
    routeWithKeys('once', keys, { delete_after_read: true }),
    routeWithKeys('located', keys, { on_complete: 'resource' }),
  ];
  const stack = useStack({ routes: routes([FIRST]) });
  const applyKeys = (...keys: string[]): Promise<void> =>
    stack().applyRoutes(routes(keys.length === 0 ? undefined : keys));

  /** Submits, and leaves its request in Redis as a dead letter does. @returns the texts that identify it */
  async function exchange(name: string, bytes: number): Promise<{ markers: string[]; id: string }> {
    const mark = (what: string): string => `${name}-${bytes}-${what}`;
    const path = `/${name}/${mark('path')}`;
    const [sent, answered] = [bodyWith(mark('request-body'), bytes), bodyWith(mark('response-body'), bytes)];
    const answer = { status: 500, headers: { 'X-Reply': mark('response-field') }, body: answered };
    stack().upstream.script(path, reply(answer));
    const { id } = await stack().submit(`${path}?q=${mark('query')}`, {
      method: 'POST',
      body: sent,
      headers: {
        'X-Note': mark('request-field'),
        Authorization: `Bearer ${mark('token')}`,
        Cookie: `session=${mark('cookie')}`,
        'X-Async-Callback-Url': `${CALLBACK}/${mark('callback')}`,
      },
    });
    const replayed = await stack().settled(path, id);
    const [call] = await stack().upstream.called(path);

    expect([call?.body.equals(sent), call?.header('Cookie')]).toEqual([true, `session=${mark('cookie')}`]);
    expect([replayed.status, replayed.header('X-Reply')]).toEqual([500, mark('response-field')]);
    expect(replayed.body.equals(answered)).toBe(true);
    const what = ['path', 'query', 'request-field', 'token', 'cookie', 'request-body', 'callback'];
    return { id, markers: [...what, 'response-field', 'response-body'].map(mark) };
  }

  test.each([
    ['small', 200],
    ['large', LARGE_BYTES],
  ])('a %s exchange arrives unchanged, and nothing of it is in Redis in clear', async (_size, bytes) => {
    const [sealed, clear] = [await exchange('sealed', bytes), await exchange('clear', bytes)];
    const contents = await redisContents(stack().redis);

    expect(sealed.markers.filter((marker) => contents.includes(marker))).toEqual([]);
    // The same search finds all of it where there are no keys.
    expect(clear.markers.filter((marker) => !contents.includes(marker))).toEqual([]);
  });

  test('a large encrypted result can be fetched in parts', async () => {
    const body = randomBytes(LARGE_BYTES);
    stack().upstream.script('/sealed/parts', reply({ headers: { ETag: '"v1"' }, body }));
    const { id } = await stack().submit('/sealed/parts');
    await stack().settled('/sealed/parts', id);

    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      [`bytes=${CHUNK_BYTES - 50}-${CHUNK_BYTES + 50}`, CHUNK_BYTES - 50, CHUNK_BYTES + 51],
      ['bytes=100-', 100, LARGE_BYTES],
      ['bytes=-5', LARGE_BYTES - 5, LARGE_BYTES],
    ] as const) {
      const part = await stack().request(resultUrl('/sealed/parts', id), { headers: { Range: range } });
      expect([part.status, part.body.equals(body.subarray(start, end))]).toEqual([206, true]);
    }
  });

  describe('a change of keys', () => {
    const send = async (path: string): Promise<string> => {
      stack().upstream.script(path, reply({ body: path }));
      const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
      expect((await stack().settled(path, id)).text).toBe(path);
      return id;
    };

    test('results of a former key and of no key are replayed while the key is configured, and are 503 key-missing later', async () => {
      const [bare, old, fresh] = ['/turning/bare', '/turning/old', '/turning/fresh'] as const;
      await applyKeys();
      const bareId = await send(bare);
      await applyKeys(FIRST);
      const oldId = await send(old);
      await applyKeys(SECOND, FIRST);
      const freshId = await send(fresh);
      for (const [path, id] of [
        [bare, bareId],
        [old, oldId],
      ] as const) {
        expect((await stack().poll(path, id)).text).toBe(path);
      }

      await applyKeys(SECOND);
      const missing = await stack().poll(old, oldId);
      expect(problemOf(missing)).toEqual([503, 'key-missing']);
      expect([missing.header('X-Async-Kong-Id'), missing.header('Retry-After')]).toEqual([oldId, '5']);
      expect((await stack().poll(fresh, freshId)).text).toBe(fresh);
      await until('the log to name the key', async () =>
        (await stack().gateway.log()).includes(
          `the encryption key with the fingerprint ${fingerprint(FIRST)}`,
        ),
      );

      await applyKeys();
      expect(problemOf(await stack().poll(fresh, freshId))).toEqual([503, 'key-missing']);
      expect((await stack().poll(bare, bareId)).text).toBe(bare);
      await applyKeys(FIRST, SECOND);
      expect((await stack().poll(old, oldId)).text).toBe(old);
      expect((await stack().poll(fresh, freshId)).text).toBe(fresh);
    });

    test('a result with delete_after_read is not lost while its key is missing', async () => {
      await applyKeys(FIRST);
      stack().upstream.script('/once/a', reply({ body: 'once' }));
      const { id } = await stack().submit('/once/a');
      const status = (): Promise<HttpResponse> => stack().request(`/once/a?async-id=${id}`);
      await until('the job to settle', async () => (await status()).status === 303);
      await applyKeys(SECOND);
      expect(problemOf(await stack().poll('/once/a', id))).toEqual([503, 'key-missing']);
      await applyKeys(FIRST);

      expect((await stack().poll('/once/a', id)).text).toBe('once');
      expect(problemOf(await stack().poll('/once/a', id))).toEqual([410, 'already-read']);
    });

    test('the status URL redirects to the resource, and without the key to the result', async () => {
      await applyKeys(FIRST);
      stack().upstream.script('/located/a', reply({ status: 201, headers: { Location: '/made/7' } }));
      const { id } = await stack().submit('/located/a', { method: 'POST', body: 'a' });
      await stack().settled('/located/a', id);
      const location = async (): Promise<unknown> => {
        const status = await stack().request(`/located/a?async-id=${id}`);
        return [status.status, status.header('Location')];
      };
      expect(await location()).toEqual([303, '/made/7']);
      await applyKeys(SECOND);
      expect(await location()).toEqual([303, resultUrl('/located/a', id)]);
    });
  });

  describe('a manipulated value in Redis', () => {
    const FLIP = `local value = redis.call('HGET', KEYS[1], ARGV[1])
      local at = math.floor(#value / 2)
      local byte = string.char((string.byte(value, at) + 1) % 256)
      return redis.call('HSET', KEYS[1], ARGV[1], value:sub(1, at - 1) .. byte .. value:sub(at + 1))`;
    const SWAP = `local one, two = redis.call('HGET', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[1], ARGV[2])
      return redis.call('HSET', KEYS[1], ARGV[1], two, ARGV[2], one)`;
    const CUT = "return redis.call('HDEL', KEYS[1], ARGV[1])";

    const large = randomBytes(LARGE_BYTES);

    async function changed(path: string, body: Buffer, script: string, ...fields: string[]): Promise<string> {
      stack().upstream.script(path, reply({ body }));
      const { id } = await stack().submit(path);
      expect((await stack().settled(path, id)).body.equals(body)).toBe(true);
      const key = `${stack().keyPrefix}:{${id}}:res:1.1`;
      expect(Number(await stack().redis.command('EVAL', script, 1, key, ...fields)) >= 0).toBe(true);
      return id;
    }

    test.each<[string, Buffer, string, string[]]>([
      ['a byte of a small body', Buffer.from('small'), FLIP, ['0']],
      ['a byte of a head', Buffer.from('small'), FLIP, ['head']],
      ['a byte of a large body', large, FLIP, ['0']],
      ['the order of two chunks', large, SWAP, ['0', '1']],
    ])('%s makes the result 500 result-unreadable', async (what, body, script, fields) => {
      const path = `/sealed/${what.replaceAll(' ', '-')}`;
      const id = await changed(path, body, script, ...fields);
      for (const target of [path, resultUrl(path, id)]) {
        expect(problemOf(await stack().poll(target, id))).toEqual([500, 'result-unreadable']);
      }
    });

    test.each<[string, string, string[], number]>([
      ['a later byte', FLIP, ['1'], CHUNK_BYTES],
      ['the last chunk, which is cut off,', CUT, ['2'], 2 * CHUNK_BYTES],
    ])('%s truncates a large response, which contains no wrong byte', async (what, script, fields, good) => {
      const path = `/sealed/${what.replaceAll(/\W+/g, '-')}`;
      const id = await changed(path, large, script, ...fields);
      const part = await stack().request(resultUrl(path, id), {
        headers: { Range: `bytes=0-${good - 1}` },
      });
      expect([part.status, part.body.equals(large.subarray(0, good))]).toEqual([206, true]);
      await expect(stack().poll(path, id)).rejects.toThrow();
      const beyond = await stack().request(resultUrl(path, id), { headers: { Range: `bytes=${good}-` } });
      expect(beyond.status).toBeGreaterThanOrEqual(500);
    });
  });

  test('an instance with an invalid or duplicate key does not start, and the message does not contain the key', async () => {
    await stack().applyRoutes([routeWithKeys('twice', [FIRST, FIRST])]);
    expect((await stack().request('/twice')).status).toBe(500);
    const log = await stack().gateway.log();
    expect(log).toContain('encryption.keys[1] is the same as encryption.keys[0]. Leave one of them out.');
    expect(log).not.toContain(FIRST);
  });
});
