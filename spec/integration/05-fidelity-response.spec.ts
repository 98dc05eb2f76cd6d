// docs/http.md, "Replay": status and content are those that Kong proxies without the plugin.
import { gzipSync } from 'node:zlib';
import { expectSameReplay } from '../helpers/fidelity/expect-alike';
import { laneRoutes } from '../helpers/fidelity/lanes';
import type { Changes } from '../helpers/fidelity/views';
import type { Field } from '../helpers/http/fields';
import { byLane } from '../helpers/lane';
import { reply, replyInChunks, type Answer } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const EVERY_BYTE = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));
const LONG_AGO = 'Wed, 21 Oct 2015 07:28:00 GMT';
/** What came without a length has one when it is replayed. */
const WITH_LENGTH_6: Changes = { 'transfer-encoding': null, 'content-length': ['6'] };

/** Kong adds its Via to what it proxies, and a replay that is handed off is proxied. */
const BY_HANDOFF: Changes = { via: [expect.stringContaining('kong') as string] };

const stack = useStack({
  // A status that would be tried again is the result when there is one attempt.
  routes: [
    ...laneRoutes('response', { config: { retry: { attempts: 1 } } }),
    { name: 'alone', service: false, config: { retry: { attempts: 1 } } },
  ],
});

let paths = 0;
const newPath = (): string => `/response/${++paths}`;

describe('a response with status', () => {
  test.each<[number, readonly Field[], string]>([
    [200, [['Content-Type', 'application/json']], '{"a":1}'],
    [201, [['Location', '/things/1']], 'created'],
    [201, [['Location', 'https://other.example/things/1?a#b']], ''],
    [202, [['Content-Type', 'application/json']], '{"state":"the upstream is asynchronous too"}'],
    [203, [], 'transformed'],
    [205, [], ''],
    [206, [['Content-Range', 'bytes 0-3/10']], 'part'],
    [299, [], 'unheard of'],
    [301, [['Location', '//other.example/']], ''],
    [
      302,
      [
        ['Location', '../up'],
        ['Content-Type', 'text/html'],
      ],
      '<p>moved</p>',
    ],
    [303, [['Location', '/see']], ''],
    [307, [['Location', '/again']], 'again'],
    [308, [['Location', '/again']], 'again'],
    [400, [['Content-Type', 'text/plain']], 'bad'],
    [401, [['WWW-Authenticate', 'Basic realm="a, b"']], 'who?'],
    [402, [], ''],
    [403, [], 'no'],
    [404, [['Content-Type', 'application/problem+json']], '{"title":"none"}'],
    [404, [], ''],
    [
      405,
      [
        ['Allow', 'GET, PUT'],
        ['Allow', 'PATCH'],
      ],
      '',
    ],
    [409, [], 'conflict'],
    [410, [], ''],
    [412, [['ETag', '"a"']], 'failed'],
    [413, [], 'large'],
    [416, [['Content-Range', 'bytes */10']], ''],
    [418, [], 'teapot'],
    [422, [], '{"errors":[]}'],
    // A date in the future would pause the queue.
    [429, [['Retry-After', LONG_AGO]], 'slowly'],
    [451, [], 'unavailable'],
    [494, [], "nginx's own"],
    [500, [['Content-Type', 'text/html']], '<h1>oops</h1>'],
    [500, [], ''],
    [501, [], ''],
    [502, [], 'bad gateway of the upstream'],
    [503, [['Retry-After', LONG_AGO]], 'busy'],
    [504, [], ''],
    [599, [], 'the last'],
  ])('%i is replayed with %j and "%s"', async (status, headers, body) => {
    const { replay } = await expectSameReplay(stack(), newPath(), reply({ status, headers, body }));

    expect(replay.status).toBe(status);
    expect(replay.text).toBe(body);
    expect(replay.header('Content-Length')).toBe(String(body.length));
  });

  test.each<[string, readonly Field[], Changes]>([
    [
      'without a length',
      [
        ['ETag', '"a"'],
        ['Last-Modified', LONG_AGO],
        ['X-A', '1'],
      ],
      {},
    ],
    ['that was given a length', [['Content-Length', '0']], { 'content-length': null }],
    // nginx takes the type away where the response is a plugin's.
    ['that was given a type', [['Content-Type', 'text/plain']], byLane({ 'content-type': null }, {})],
  ])('a 204 is replayed without Content-Length: %s', async (_what, headers, changes) => {
    const { replay } = await expectSameReplay(stack(), newPath(), reply({ status: 204, headers }), changes);

    expect(replay.status).toBe(204);
    expect(replay.header('Content-Length')).toBeUndefined();
  });

  test.each<[string, readonly Field[], Changes]>([
    [
      'with an ETag',
      [
        ['ETag', '"a"'],
        ['Vary', 'Accept'],
      ],
      { vary: ['Accept', 'X-Async-Kong-Id, Prefer'] },
    ],
    [
      'with a date',
      [
        ['Last-Modified', LONG_AGO],
        ['Expires', LONG_AGO],
        ['ETag', 'W/"a"'],
      ],
      {},
    ],
    [
      'that tells the length of the content',
      [
        ['Content-Length', '42'],
        ['ETag', '"a"'],
      ],
      {},
    ],
  ])('a 304 is replayed with its Content-Length, if it has one: %s', async (_what, headers, changes) => {
    const { replay } = await expectSameReplay(stack(), newPath(), reply({ status: 304, headers }), changes);

    expect(replay.status).toBe(304);
    expect(replay.header('ETag')).toMatch(/"a"$|^undefined$/);
  });

  test.each([408, 444, 499])('%i is replayed, although nginx would close the connection', async (status) => {
    // It takes the handoff path, on which Kong adds its Via to what it proxies.
    const via = { via: [expect.stringContaining('kong') as string] };
    await expectSameReplay(stack(), newPath(), reply({ status, body: 'lost' }), via);
  });

  test.each([408, 444, 499])('%i is a problem on a route without a service', async (status) => {
    const path = `/alone/${status}`;
    stack().upstream.script(path, reply({ status, body: 'lost' }));

    const response = await stack().roundTrip(path);

    expect(response.status).toBe(502);
    expect(response.header('Content-Type')).toBe('application/problem+json');
    expect(response.header('Proxy-Status')).toBe(`async-request-reply; received-status=${status}`);
    expect(response.header('Cache-Control')).toBe('no-store');
  });
});

describe('the content of a response', () => {
  test.each<[string, Answer, Changes]>([
    [
      'of every byte',
      reply({ headers: { 'Content-Type': 'application/octet-stream' }, body: EVERY_BYTE }),
      {},
    ],
    [
      'in gzip',
      reply({
        headers: { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json', Vary: 'Accept-Encoding' },
        body: gzipSync('{"a":1}'),
      }),
      { vary: ['Accept-Encoding', 'X-Async-Kong-Id, Prefer'] },
    ],
    [
      'in a coding that nobody knows',
      reply({ headers: { 'Content-Encoding': 'x-own' }, body: EVERY_BYTE }),
      {},
    ],
    ['in gzip that is none', reply({ headers: { 'Content-Encoding': 'gzip' }, body: 'not gzip' }), {}],
    ['that is empty', reply({ headers: { 'Content-Type': 'text/plain' } }), {}],
    ['without a type', reply({ body: '<html>' }), {}],
    ['in chunks', replyInChunks(['abc', 'def']), WITH_LENGTH_6],
    ['in chunks, none', replyInChunks([]), { 'transfer-encoding': null, 'content-length': ['0'] }],
    ['to the end of the connection', lastWords('HTTP/1.1 200 OK\r\n\r\nabcdef'), WITH_LENGTH_6],
    ['of HTTP/1.0', lastWords('HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nabcdef'), WITH_LENGTH_6],
    ['of HTTP/1.0 with a length', lastWords('HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na'), {}],
    ['before trailer fields', replyInChunksWithTrailer('abcdef'), WITH_LENGTH_6],
    ['of 64 KiB', reply({ body: Buffer.alloc(64 * 1024, EVERY_BYTE) }), {}],
    ['of 512 KiB', reply({ body: Buffer.alloc(512 * 1024, EVERY_BYTE) }), BY_HANDOFF],
  ])('%s is replayed', async (_what, answer, changes) => {
    await expectSameReplay(stack(), newPath(), answer, changes);
  });
});

describe('the media type', () => {
  test.each([
    ['text/plain', 'text/plain; charset=UTF-8'],
    ['text/html', 'text/html; charset=UTF-8'],
    ['text/xml', 'text/xml; charset=UTF-8'],
    ['text/vnd.wap.wml', 'text/vnd.wap.wml; charset=UTF-8'],
    ['application/javascript', 'application/javascript; charset=UTF-8'],
    ['application/rss+xml', 'application/rss+xml; charset=UTF-8'],
    ['Text/HTML', 'Text/HTML; charset=UTF-8'],
    ['text/html; charset=ISO-8859-1', 'text/html; charset=ISO-8859-1'],
    ['text/plain;format=flowed', 'text/plain;format=flowed'],
    ['text/css', 'text/css'],
    ['text/markdown', 'text/markdown'],
    ['text/event-stream', 'text/event-stream'],
    ['application/xml', 'application/xml'],
    ['application/json', 'application/json'],
    ['application/octet-stream', 'application/octet-stream'],
  ])('%s is replayed as Kong sends it: %s', async (type, sent) => {
    const { replay } = await expectSameReplay(
      stack(),
      newPath(),
      reply({ headers: { 'Content-Type': type }, body: 'caf\xe9' }),
    );

    expect(replay.header('Content-Type')).toBe(sent);
  });
});

/** These bytes, and then the end of the connection. */
function lastWords(bytes: string): Answer {
  return ({ socket }) => void socket.end(bytes, 'latin1');
}

function replyInChunksWithTrailer(body: string): Answer {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n';
  return lastWords(`${head}${body.length.toString(16)}\r\n${body}\r\n0\r\nX-Sum: 1\r\n\r\n`);
}
