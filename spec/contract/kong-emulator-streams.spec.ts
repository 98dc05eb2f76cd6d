// Large and slow bodies through the gateway, with and without buffering. Seen on Kong 3.9.3, and with KONG_BIN.
import http from 'node:http';
import net from 'node:net';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import {
  calling,
  startKongFixture,
  type KongFixture,
  type FixtureRoute,
} from './kong-emulator-fixture/kong-fixture';
import { peakMemoryBytes } from './kong-emulator-fixture/peak-memory';
import { digestOf, pieces, StreamUpstream } from './kong-emulator-fixture/stream-upstream';

const LARGE = 256 * 1024 * 1024;
/** More than the buffers of all sockets on the way. */
const UNREAD = 64 * 1024 * 1024;

describe('a body that the emulator proxies', () => {
  let listener: StreamUpstream;
  let fixture: KongFixture;

  useResources(async (resources) => {
    listener = await resources.use(StreamUpstream.start(), (started) => started.stop());
    const handing = (route: Record<string, unknown>): FixtureRoute =>
      calling([['service.setTarget', ['127.0.0.1', listener.port]]], { route, passes: true });
    const starting = startKongFixture({
      buffered: handing({}),
      'request-flows': handing({ request_buffering: false }),
      'response-flows': handing({ response_buffering: false }),
      'both-flow': handing({ request_buffering: false, response_buffering: false }),
    });
    fixture = await resources.use(starting, (started) => started.stop());
  });

  afterEach(() => {
    listener.arrivals.length = 0;
  });

  /** A request whose body the spec writes. */
  function open(
    path: string,
    headers: http.OutgoingHttpHeaders,
    method = 'POST',
  ): { request: http.ClientRequest; response: Promise<http.IncomingMessage> } {
    const { proxyPort: port } = fixture.gateway;
    const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent: false });
    const response = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    return { request, response };
  }

  function get(path: string): Promise<http.IncomingMessage> {
    const { request, response } = open(path, {}, 'GET');
    request.end();
    return response;
  }

  async function text(response: http.IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString('latin1');
  }

  test.each([
    ['chunked', { 'Transfer-Encoding': 'chunked' }],
    ['with a length', { 'Content-Length': 200_000 }],
  ])('is received completely before the upstream is called (%s)', async (_kind, headers) => {
    const { request, response } = open('/buffered/sink', headers);
    request.write(Buffer.alloc(100_000));
    // A second request that comes and goes meanwhile: the first had its time.
    for (let i = 0; i < 3; i++) await fixture.send('buffered', { target: '/buffered/other' });
    expect(listener.arrivals.map(({ line }) => line)).toEqual(Array(3).fill('GET /other'));
    request.end(Buffer.alloc(100_000));
    expect((await response).statusCode).toBe(200);
    expect(listener.last).toMatchObject({ line: 'POST /sink', bytes: 200_000 });
    expect(listener.last.headers).toMatchObject({ 'content-length': '200000' });
  });

  test.each([
    ['chunked', { 'Transfer-Encoding': 'chunked' }, undefined, 'chunked'],
    ['with a length', { 'Content-Length': 200_000 }, '200000', undefined],
  ])('is streamed if the route does not buffer requests (%s)', async (_kind, headers, length, coding) => {
    const { request, response } = open('/request-flows/sink', headers);
    request.write(Buffer.alloc(100_000));
    await until('the first half', () => listener.arrivals[0]?.bytes === 100_000);
    request.end(Buffer.alloc(100_000));
    expect((await response).statusCode).toBe(200);
    expect(listener.last.bytes).toBe(200_000);
    expect([listener.last.headers['content-length'], listener.last.headers['transfer-encoding']]).toEqual([
      length,
      coding,
    ]);
  });

  test('gets 100 Continue if it is streamed', async () => {
    const { request, response } = open('/request-flows/sink', {
      'Content-Length': 5,
      Expect: '100-continue',
    });
    request.flushHeaders();
    await new Promise((resolve) => request.once('continue', resolve));
    request.end('hello');
    expect((await response).statusCode).toBe(200);
    expect(listener.last).toMatchObject({ bytes: 5, headers: { 'content-length': '5' } });
    expect(listener.last.headers.expect).toBeUndefined();
  });

  test.each(['/response-flows/two-pieces', '/both-flow/two-pieces', '/buffered/two-pieces/no'])(
    'is sent in pieces if the route does not buffer responses (%s)',
    async (path) => {
      const head = await get(path);
      const first = await new Promise<Buffer>((resolve) => head.once('data', resolve));
      expect(first.toString()).toBe('first');
      listener.release();
      expect(await text(head)).toBe('later');
      expect(Object.keys(head.headers).filter((name) => name.startsWith('x-accel'))).toEqual([]);
    },
  );

  test('is sent with its head when it is complete if the route buffers responses', async () => {
    const response = get('/buffered/two-pieces');
    await until('the request', () => listener.arrivals.length === 1);
    const isFirst = await Promise.race([
      response.then(() => true),
      fixture.send('buffered', { target: '/buffered/other' }).then(() => false),
    ]);
    expect(isFirst).toBe(false);
    listener.release();
    expect(await text(await response)).toBe('firstlater');
  });

  test.each([
    ['/response-flows/bytes', false],
    ['/buffered/bytes', true],
  ])('is read from the upstream even if the client does not read: %s, %s', async (path, isTaken) => {
    const head = await get(`${path}/${UNREAD}`);
    const [first] = listener.arrivals;
    const isDone = (): boolean => first?.isAnswered === true;
    if (isTaken) await until('the upstream to be done', isDone);
    // As much for a client that reads: the first had its time.
    else expect((await text(await get(`${path}/${UNREAD}`))).length).toBe(UNREAD);
    expect(isDone()).toBe(isTaken);
    expect((await text(head)).length).toBe(UNREAD);
  });

  test.each(['/buffered/bytes', '/both-flow/bytes'])(
    'of 256 MiB from the upstream is not held in memory (%s)',
    async (path) => {
      const hash = createHash('sha256');
      await pipeline(await get(`${path}/${LARGE}`), hash);
      expect(hash.digest('hex')).toBe(digestOf(LARGE));
      expect(peakMemoryBytes(fixture.gateway.prefix)).toBeLessThan(LARGE);
    },
  );

  test.each(['/buffered/sink', '/both-flow/sink'])(
    'of 256 MiB to the upstream is not held in memory (%s)',
    async (path) => {
      const { request, response } = open(path, { 'Content-Length': LARGE });
      await pipeline(Readable.from(pieces(LARGE)), request);
      expect(JSON.parse(await text(await response))).toEqual({ bytes: LARGE, sha256: digestOf(LARGE) });
      expect(peakMemoryBytes(fixture.gateway.prefix)).toBeLessThan(LARGE);
    },
  );

  test('is abandoned if the client disconnects', async () => {
    const { request, response } = open('/request-flows/sink', { 'Content-Length': 200_000 });
    const failed = expect(response).rejects.toThrow();
    request.write(Buffer.alloc(100_000));
    await until('the first half', () => listener.arrivals[0]?.bytes === 100_000);
    request.destroy();
    await failed;
    await until('the listener to hear of it', () => listener.last.isAborted);
  });

  test('is not awaited if the response has arrived', async () => {
    const socket = net.connect(fixture.gateway.proxyPort, '127.0.0.1');
    let seen = '';
    socket.on('data', (chunk) => (seen += chunk.toString('latin1')));
    const closed = new Promise((resolve) => socket.once('end', resolve));
    socket.write('POST /request-flows/early/100000 HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n');
    socket.write(Buffer.alloc(100_000));
    await until('the answer', () => seen.includes('too much'), { seen: () => seen });
    expect(seen).toMatch(/^HTTP\/1\.1 413 /);
    await closed;
    socket.destroy();
  });
});
