// What becomes of a response, by its framing and by how its connection ends, over real sockets. What nginx 1.25 makes of the
// same bytes is the measure.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Agent, Dispatcher } from 'undici';
import { StrictAgent } from '../../plugins/async-request-reply/dispatch/http/strict-agent';
import { Latch } from '../helpers/latch';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

type End = 'stays' | 'closes' | 'resets';

/** What the server sends once it has a request, and what it then does with the connection. */
interface Script {
  readonly bytes: string;
  readonly end: End;
}

let server: Server;
let agent: Agent;
let script: Script;
const sockets = new Set<Socket>();

function serve(socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.once('close', () => sockets.delete(socket));
  socket.on('data', () => {
    const { bytes, end } = script;
    socket.write(Buffer.from(bytes, 'latin1'));
    if (end === 'closes') socket.end();
    // Only what the other end has read survives a reset.
    if (end === 'resets') void taken.opened.then(() => socket.resetAndDestroy());
  });
}

useResources(async (resources) => {
  server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  resources.add(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  agent = await resources.use(new StrictAgent({ connectTimeoutMs: 5000 }), (open) => open.destroy());
});

/** The server has seen the client take what it sent. */
let taken = new Latch();

/** `STATUS BODY`, or the code of the error. */
function result(given: Script, method: Dispatcher.HttpMethod = 'GET', expectBytes = 0): Promise<string> {
  script = given;
  taken = new Latch();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new Promise((resolve) => {
    let status = 0;
    let body = '';
    const look = (): void => {
      if (body.length >= expectBytes) taken.open();
    };
    agent.dispatch(
      { origin, path: '/', method },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, code) => {
          status = code;
          look();
        },
        onResponseData: (_controller, chunk) => {
          body += chunk.toString('latin1');
          look();
        },
        onResponseEnd: () => resolve(`${status} ${body}`),
        onResponseError: (_controller, error) => resolve(String((error as { code?: unknown }).code)),
      },
    );
  });
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CLOSE = 'Connection: close\r\n';
const INCOMPLETE = 'ARR_RESPONSE_INCOMPLETE';
const MALFORMED = 'ARR_RESPONSE_MALFORMED';

describe('a response that breaks off is incomplete', () => {
  const framings: [string, string, string][] = [
    ['a length', `${OK}Content-Length: 100\r\n`, '12345'],
    ['a length, HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 100\r\n', '12345'],
    ['chunks', `${OK}Transfer-Encoding: chunked\r\n`, '5\r\n12345\r\n'],
    ['half a chunk', `${OK}Transfer-Encoding: chunked\r\n`, '64\r\n12345'],
  ];
  const cases = framings.flatMap(([name, head, body]) =>
    ['', CLOSE].flatMap((connection) =>
      (['closes', 'resets'] as const).map((end): [string, Script] => [
        `of ${name}${connection === '' ? '' : ', its end announced,'} whose connection ${end}`,
        { bytes: `${head}${connection}\r\n${body}`, end },
      ]),
    ),
  );
  test.each(cases)('%s', async (_what, given) => {
    expect(await result(given, 'GET', 5)).toBe(INCOMPLETE);
  });

  test.each([
    ['announces its end', `${OK}${CLOSE}\r\n12345`],
    ['says nothing of its end', `${OK}\r\n12345`],
    ['is of HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n12345'],
  ])('that ends with its connection, %s, and is reset', async (_what, bytes) => {
    expect(await result({ bytes, end: 'resets' }, 'GET', 5)).toBe(INCOMPLETE);
    expect(await result({ bytes, end: 'closes' }, 'GET', 5)).toBe('200 12345');
  });
});

/** Follows a response without a length whose taker pauses at each piece; calls back before it goes on. */
function takenSlowly(beforeNext: (taken: number) => Promise<void>): Promise<string> {
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new Promise((resolve) => {
    let bytes = 0;
    agent.dispatch(
      { origin, path: '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: (controller, chunk) => {
          bytes += chunk.length;
          controller.pause();
          void beforeNext(bytes).then(() => controller.resume());
        },
        onResponseEnd: () => resolve(`${bytes} bytes`),
        onResponseError: (_controller, error) => resolve(String((error as { code?: unknown }).code)),
      },
    );
  });
}

describe('a response whose reader pauses', () => {
  const SIZE = 8 * 1024 * 1024;
  const large = `${OK}${CLOSE}\r\n${'x'.repeat(SIZE)}`;
  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test('is whole when its connection closes', async () => {
    script = { bytes: large, end: 'closes' };
    expect(await takenSlowly(nextTurn)).toBe(`${SIZE} bytes`);
  });

  test('is whole when its connection closes while it is paused', async () => {
    script = { bytes: `${OK}${CLOSE}\r\n12345`, end: 'closes' };
    const isOver = (): boolean => [...sockets].every(({ writableFinished }) => writableFinished);
    expect(await takenSlowly(async () => void (await until('the other end to close', isOver)))).toBe(
      '5 bytes',
    );
  });

  test('applies back pressure to its sender', async () => {
    script = { bytes: large, end: 'closes' };
    let unsent = 0;
    const taking = takenSlowly(async (taken) => {
      if (taken > 100_000) return;
      await nextTurn();
      unsent = Math.max(unsent, ...[...sockets].map(({ writableLength }) => writableLength));
    });
    expect(await taking).toBe(`${SIZE} bytes`);
    expect(unsent).toBeGreaterThan(SIZE / 4);
  });

  test('is incomplete when the reset comes with the last bytes', async () => {
    script = { bytes: large.slice(0, 100_000), end: 'resets' };
    taken = new Latch();
    taken.open();
    expect(await takenSlowly(nextTurn)).toBe(INCOMPLETE);
  });
});

test.each<[string, string, string]>([
  ['100', '100 Continue\r\n\r\n', '201 hi'],
  ['100 twice', '100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n', '201 hi'],
  [
    '102, 103 and 100',
    '102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 \r\n\r\n',
    '201 hi',
  ],
])('%s before the response is ignored', async (_what, interim, expected) => {
  const bytes = `HTTP/1.1 ${interim}HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi`;
  expect(await result({ bytes, end: 'stays' })).toBe(expected);
  // The connection serves the next one, of whose body nothing is changed.
  const body = 'HTTP/1.1 100 x';
  const next = `${OK}Content-Length: ${body.length}\r\n\r\n${body}`;
  expect(await result({ bytes: next, end: 'closes' })).toBe(`200 ${body}`);
});

test.each<[string, string, Dispatcher.HttpMethod, string]>([
  ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 'GET', '204 '],
  ['204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', 'GET', '204 '],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'GET', '304 '],
  ['HEAD with a length', `${OK}Content-Length: 5\r\n\r\n`, 'HEAD', '200 '],
  ['HEAD with chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n`, 'HEAD', '200 '],
])('%s has no content, whatever its Content-Length', async (_what, bytes, method, expected) => {
  for (const end of ['stays', 'closes'] as const) expect(await result({ bytes, end }, method)).toBe(expected);
});

test.each<[string, string]>([
  ['an SSH banner', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['a status line of ICY', 'ICY 200 OK\r\n\r\n'],
  ['a space in a field name', `${OK}X Y: 1\r\nContent-Length: 0\r\n\r\n`],
  ['a control byte in a value', `${OK}X-Y: a\x01b\r\nContent-Length: 0\r\n\r\n`],
  ['a zero byte in a value', `${OK}X-Y: a\0b\r\nContent-Length: 0\r\n\r\n`],
  ['a folded field', `${OK}X-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\nhi`],
  ['lines that end with LF alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi'],
  ['a chunk of no size', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ['two lengths', `${OK}Content-Length: 2\r\nContent-Length: 20\r\n\r\nhi`],
  ['a length that is none', `${OK}Content-Length: -1\r\n\r\nhi`],
  [
    'a length beside chunks',
    `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
  ],
  ['gzip, then chunks', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`],
  ['gzip to the end', `${OK}Transfer-Encoding: gzip\r\n\r\nhi`],
  ['no coding by name', `${OK}Transfer-Encoding: identity\r\n\r\nhi`],
  [
    'another protocol, unasked',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  ],
])('%s is malformed', async (_what, bytes) => {
  for (const end of ['stays', 'closes'] as const) expect(await result({ bytes, end })).toBe(MALFORMED);
});
