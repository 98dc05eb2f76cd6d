// docs/http.md, "The upstream call": the content that the upstream sees is the client's, byte for byte.
import { expectSameRequest } from '../helpers/fidelity/expect-alike';
import { laneRoutes } from '../helpers/fidelity/lanes';
import { useStack } from '../helpers/use-stack';

const KIB = 1024;
/** Up to the limit of the inline path, and around what nginx keeps in memory (8 KiB, and about 10 with the head's buffer). */
const SIZES = [0, 1, 8 * KIB, 9.5 * KIB, 64 * KIB, KIB * KIB - 1, KIB * KIB];
const CHUNK_BYTES = 1000;

const stack = useStack({ routes: laneRoutes('body') });

/** Every byte value, in no order that a shift would leave as it is. */
function content(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8) * 7) % 256));
}

function pieces(body: Buffer, size: number): Buffer[] {
  const count = Math.ceil(body.length / size);
  return Array.from({ length: count }, (_, i) => body.subarray(i * size, (i + 1) * size));
}

describe('content of', () => {
  test.each(SIZES)('%i bytes goes on', async (size) => {
    const request = { method: 'POST', target: '/body', body: content(size) };

    const queued = await expectSameRequest(stack(), request, '/body');

    expect(queued.request.headers('Content-Length')).toEqual([String(size)]);
    expect(queued.request.body.equals(content(size))).toBe(true);
  });

  test.each(SIZES)('%i bytes in one chunk goes on, with a length', async (size) => {
    const request = { method: 'POST', target: '/body', chunks: pieces(content(size), KIB * KIB) };

    const queued = await expectSameRequest(stack(), request, '/body');

    expect(queued.request.headers('Transfer-Encoding')).toEqual([]);
    expect(queued.request.headers('Content-Length')).toEqual([String(size)]);
    expect(queued.request.body.equals(content(size))).toBe(true);
  });

  test.each(SIZES)('%i bytes in many chunks goes on, with a length', async (size) => {
    const request = { method: 'PUT', target: '/body', chunks: pieces(content(size), CHUNK_BYTES) };

    const queued = await expectSameRequest(stack(), request, '/body');

    expect(queued.request.headers('Content-Length')).toEqual([String(size)]);
    expect(queued.request.body.equals(content(size))).toBe(true);
  });

  test.each(['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'type %s goes on, whatever is in it',
    async (type) => {
      for (const framing of [{ body: '{"a":%zz&\xff' }, { chunks: ['{"a"', ':%zz&\xff'] }]) {
        const request = { method: 'POST', target: '/body', headers: { 'Content-Type': type }, ...framing };

        await expectSameRequest(stack(), request, '/body');
      }
    },
  );
});

describe('a request without content', () => {
  // undici says what RFC 9110, 8.6 asks a client to say, whether the client of the gateway said so or not.
  test.each([
    ['POST', { 'content-length': ['0'] }],
    ['DELETE', {}],
    ['GET', {}],
  ])('and without a length is the same as %s', async (method, changes) => {
    await expectSameRequest(stack(), { method, target: '/body' }, '/body', changes);
  });

  test.each([
    ['POST', {}],
    ['DELETE', { 'content-length': null }],
    ['GET', { 'content-length': null }],
  ])('and with length 0 is the same as %s', async (method, changes) => {
    await expectSameRequest(stack(), { method, target: '/body', body: '' }, '/body', changes);
  });
});
