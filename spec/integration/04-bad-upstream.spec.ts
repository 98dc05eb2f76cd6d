// What upstreams send that is no response: the job fails with 502 and the reason, and nothing half is ever served.
import { headBytes } from '../helpers/http/http-message';
import {
  hangUp,
  hangUpInBody,
  rawBytes,
  reply,
  replyInChunks,
  type Answer,
} from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

/** A limit far over what the plugin-server protocol carries. */
const RESPONSE_CEILING_BYTES = 3_145_728;
/** What a route with no service keeps, whatever the configuration allows: Kong hands nothing off there. */
const ALONE_BYTES = 524_288;

const stack = useStack({
  shared: { retry: { attempts: 1, connect_attempts: 1 } },
  routes: [
    { name: 'broken', config: { response: { max_body_bytes: RESPONSE_CEILING_BYTES } } },
    { name: 'refused', serviceUrl: 'http://127.0.0.1:1' },
    { name: 'again', config: { retry: { attempts: 3, connect_attempts: 3, backoff_ms: 1 } } },
    { name: 'alone', service: false },
    { name: 'small', config: { response: { max_body_bytes: 1000 } } },
  ],
});

const status = (line: string): Answer => rawBytes(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\nhi`);
const length = (...values: string[]): Answer =>
  rawBytes(
    Buffer.concat([
      headBytes(
        'HTTP/1.1 200 OK',
        values.map((value) => ['Content-Length', value]),
      ),
      Buffer.from('hi'),
    ]),
  );

describe('a job fails with 502 and the reason when its upstream', () => {
  test.each<[string, Answer]>([
    ['hangs up without a word', hangUp()],
    ['hangs up in mid-body', hangUpInBody({ announced: 100, sent: 'the first half' })],
    [
      'hangs up in mid-chunk',
      rawBytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nthe first half'),
    ],
    [
      'hangs up before the last chunk',
      rawBytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n'),
    ],
    ['hangs up in mid-header', rawBytes('HTTP/1.1 200 OK\r\nContent-Le')],
    ['sends garbage', rawBytes('SSH-2.0-OpenSSH_9.2\r\n\r\n')],
    ['sends bytes of no protocol', rawBytes(Buffer.from([0, 1, 2, 3, 255, 254, 13, 10, 13, 10]))],
    ['sends a chunk of no size', rawBytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhi')],
    ['sends two lengths', length('2', '200')],
    ['sends a length that is no number', length('many')],
    ['sends a header of 1 MiB', reply({ headers: { 'X-Large': 'x'.repeat(1048576) } })],
    ['sends status 700', status('700 Odd')],
    ['sends status 600', status('600 Odd')],
    ['sends status 999', status('999 Odd')],
    ['sends status 099', status('099 Odd')],
    ['sends status 1000', status('1000 Odd')],
    [
      'switches protocols without being asked',
      rawBytes('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    ],
    ['sends an interim response only', rawBytes('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n')],
  ])('%s', async (title, answer) => {
    const path = `/broken/${title.replaceAll(' ', '-')}`;
    stack().upstream.script(path, answer);

    const response = await stack().roundTrip(path, { method: 'POST', body: 'a' });

    expect(response.status).toBe(502);
    expect(response.header('Content-Type')).toBe('application/problem+json');
    expect(response.header('Proxy-Status')).toMatch(/; ?error=/);
    expect(response.json()['detail']).toEqual(expect.any(String));
    expect(response.text).not.toContain('the first half');
    expect(stack().upstream.callsTo(path)).toHaveLength(1);
  });

  test('refuses the connection', async () => {
    const response = await stack().roundTrip('/refused', { method: 'POST', body: 'a' });

    expect(response.status).toBe(502);
    expect(response.header('Proxy-Status')).toMatch(/error=connection_refused/);
  });
});

describe('the response to a GET with three attempts', () => {
  const OK = 'HTTP/1.1 200 OK\r\n';

  test.each<[string, Answer]>([
    ['an SSH banner', rawBytes('SSH-2.0-OpenSSH_9.2\r\n')],
    ['a space in a field name', rawBytes(`${OK}X Y: 1\r\nContent-Length: 0\r\n\r\n`)],
    ['a control byte in a value', rawBytes(`${OK}X-Y: a\x01b\r\nContent-Length: 0\r\n\r\n`)],
    ['line ends without CR', rawBytes('HTTP/1.1 200 OK\nContent-Length: 2\n\nhi')],
    ['one line end without CR', rawBytes(`${OK}Content-Length: 2\nX-Y: a\r\n\r\nhi`)],
    ['a transfer coding beside chunked', rawBytes(`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`)],
  ])('%s is malformed and is not retried', async (title, answer) => {
    const path = `/again/${title.replaceAll(' ', '-')}`;
    stack().upstream.script(path, answer);
    const response = await stack().roundTrip(path);

    expect([response.status, response.json()['type']]).toEqual([502, expect.stringMatching(/bad-response$/)]);
    expect(response.header('Proxy-Status')).toContain('error=http_protocol_error');
    expect(stack().upstream.callsTo(path)).toHaveLength(1);
  });

  test.each<[string, string]>([
    ['a length', `${OK}Content-Length: 100\r\n\r\n12345`],
    ['a length, and the end announced', `${OK}Connection: close\r\nContent-Length: 100\r\n\r\n12345`],
    [
      'chunks, and the end announced',
      `${OK}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n`,
    ],
  ])('a truncated body is retried: with %s', async (title, bytes) => {
    const path = `/again/${title.replaceAll(/\W+/g, '-')}`;
    stack().upstream.script(path, rawBytes(bytes));
    const response = await stack().roundTrip(path);

    expect([response.status, response.json()['type']]).toEqual([
      502,
      expect.stringMatching(/upstream-failed$/),
    ]);
    expect(response.header('Proxy-Status')).toContain('error=http_response_incomplete');
    expect(stack().upstream.callsTo(path)).toHaveLength(3);
  });

  test('a body that ends with a connection reset is retried', async () => {
    const path = '/again/reset';
    const sent = 600_000;
    stack().upstream.script(path, async ({ socket, gone }) => {
      socket.write(`${OK}Connection: close\r\n\r\n`);
      await new Promise<void>((resolve) => socket.write(Buffer.alloc(sent, 'x'), () => resolve()));
      socket.resetAndDestroy();
      await gone;
    });
    const response = await stack().roundTrip(path);

    expect([response.status, response.json()['type']]).toEqual([
      502,
      expect.stringMatching(/upstream-failed$/),
    ]);
    expect(stack().upstream.callsTo(path)).toHaveLength(3);
  });

  test.each<[string, string, number]>([
    [
      '100 Continue, unasked',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n',
      201,
    ],
    ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 204],
  ])('%s is accepted as the response', async (title, bytes, status) => {
    const path = `/again/${title.replaceAll(/\W+/g, '-')}`;
    stack().upstream.script(path, rawBytes(bytes));
    const response = await stack().roundTrip(path);

    expect([response.status, response.body.length]).toEqual([status, 0]);
    expect(stack().upstream.callsTo(path)).toHaveLength(1);
  });
});

describe('a response', () => {
  const ceiling = Buffer.alloc(RESPONSE_CEILING_BYTES, 'x');
  const overCeiling = [ceiling, Buffer.from('x')];

  test.each<[string, string, Answer, number]>([
    ['of the limit', '/small', reply({ body: 'x'.repeat(1000) }), 1000],
    ['of the limit, chunked', '/small', replyInChunks(['x'.repeat(999), 'x']), 1000],
    ['of 512 KiB with no service', '/alone', reply({ body: Buffer.alloc(ALONE_BYTES, 'x') }), ALONE_BYTES],
    ['of 3 MiB', '/broken', reply({ body: ceiling }), RESPONSE_CEILING_BYTES],
    ['of 3 MiB, chunked', '/broken', replyInChunks([ceiling]), RESPONSE_CEILING_BYTES],
  ])('%s is replayed', async (title, route, answer, size) => {
    const path = `${route}/${title.replaceAll(/\W+/g, '-')}`;
    stack().upstream.script(path, answer);

    const response = await stack().roundTrip(path);

    expect(response.status).toBe(200);
    expect(response.body.equals(Buffer.alloc(size, 'x'))).toBe(true);
  });

  test.each<[string, string, Answer, number]>([
    ['of the limit and a byte', '/small', reply({ body: 'x'.repeat(1001) }), 1000],
    ['of the limit and a byte, chunked', '/small', replyInChunks(['x'.repeat(1000), 'x']), 1000],
    [
      'of 512 KiB and a byte with no service',
      '/alone',
      reply({ body: Buffer.alloc(ALONE_BYTES + 1) }),
      ALONE_BYTES,
    ],
    ['of 3 MiB and a byte', '/broken', reply({ body: Buffer.concat(overCeiling) }), RESPONSE_CEILING_BYTES],
    ['of 3 MiB and a byte, chunked', '/broken', replyInChunks(overCeiling), RESPONSE_CEILING_BYTES],
  ])('%s fails the job, and the problem names the limit', async (title, route, answer, limit) => {
    const path = `${route}/over-${title.replaceAll(/\W+/g, '-')}`;
    stack().upstream.script(path, answer);

    const response = await stack().roundTrip(path);

    expect(response.status).toBe(502);
    expect(response.header('Content-Type')).toBe('application/problem+json');
    expect(response.json()['detail']).toContain(String(limit));
  });
});

test('after all these responses the worker still runs the next job', async () => {
  stack().upstream.script('/broken/next', reply({ body: 'fine' }));

  const response = await stack().roundTrip('/broken/next', { method: 'POST', body: 'a' });

  expect([response.status, response.text]).toEqual([200, 'fine']);
});
