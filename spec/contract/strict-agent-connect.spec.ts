// How connections are made: an address that is slow has its time, one that does not answer leaves time for the next, and a
// name that moves to another address is followed under steady load.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type LookupFunction, type Socket } from 'node:net';
import { request } from 'undici';
import { StrictAgent } from '../../plugins/async-request-reply/dispatch/http/strict-agent';
import { freePort } from '../helpers/gateway/free-port';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const FIRST = '127.0.0.1';
const SECOND = '127.0.0.2';
/** It refuses. */
const NOBODY = '127.0.0.3';
/** A name that only the agents of this spec resolve. */
const NAME = 'upstream.spec';
/** What Node.js gives each of several addresses unless it is told otherwise. */
const NODE_ATTEMPT_MS = 250;

const lookupOf =
  (addresses: () => string[]): LookupFunction =>
  (_host, options, callback) => {
    const found = addresses().map((address) => ({ address, family: 4 }));
    if (options.all === true) callback(null, found);
    else callback(null, found[0]?.address ?? '', 4);
  };

const answerOf = async (agent: StrictAgent, port: number): Promise<string> =>
  (await request(`http://${NAME}:${port}/`, { dispatcher: agent })).body.text();

async function listen(address: string, port: number): Promise<Server> {
  const server = createServer((_request, response) => response.end(address));
  server.listen(port, address);
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A server whose process is stopped, with so many connections waiting that the system takes no more. */
class FullServer {
  readonly #child: ChildProcess;
  readonly #waiting: Socket[] = [];

  constructor(port: number) {
    const program = `require('node:http').createServer((q, a) => a.end('${FIRST}')).listen({ port: ${port}, host: '${FIRST}', backlog: 1 }, () => console.log('up'))`;
    this.#child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  async fill(port: number): Promise<void> {
    if (this.#child.stdout !== null) await once(this.#child.stdout, 'data');
    this.#child.kill('SIGSTOP');
    // The system takes the backlog and one more; what comes then gets no answer.
    const isTaken = (socket: Socket): boolean => !socket.connecting;
    for (let count = 0; count < 2; count++) {
      const socket = connect(port, FIRST).on('error', () => undefined);
      this.#waiting.push(socket);
      await until('the connection to be made', () => isTaken(socket));
    }
  }

  /** It takes what waits, and answers. */
  go(): void {
    for (const socket of this.#waiting) socket.destroy();
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    for (const socket of this.#waiting) socket.destroy();
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

describe('of several addresses', () => {
  let full: FullServer;
  let port: number;

  useResources(async (resources) => {
    port = await freePort();
    full = await resources.use(new FullServer(port), (server) => server.stop());
    await full.fill(port);
    await resources.use(listen(SECOND, port), close);
  });

  const withAgent = async (
    connectTimeoutMs: number,
    addresses: string[],
    work: (agent: StrictAgent) => Promise<void>,
  ): Promise<void> => {
    const agent = new StrictAgent({ connectTimeoutMs, connect: { lookup: lookupOf(() => addresses) } });
    await work(agent).finally(() => agent.destroy());
  };

  test('an address that does not respond leaves time for the next', async () => {
    await withAgent(2000, [FIRST, SECOND], async (agent) => {
      expect(await answerOf(agent, port)).toBe(SECOND);
    });
  });

  test('an address that needs longer than the default of Node.js is waited for', async () => {
    await withAgent(60_000, [FIRST, NOBODY], async (agent) => {
      const startedAt = performance.now();
      const answer = answerOf(agent, port);
      await until('that time to be over', () => performance.now() > startedAt + 2 * NODE_ATTEMPT_MS);
      full.go();
      expect(await answer).toBe(FIRST);
    });
  });
});

test('a changed DNS entry is used while requests continue', async () => {
  const port = await freePort();
  const servers = [await listen(FIRST, port), await listen(SECOND, port)];
  let addresses = [FIRST];
  const agent = new StrictAgent({
    connectTimeoutMs: 5000,
    connectionMaxAgeMs: 50,
    connect: { lookup: lookupOf(() => addresses) },
  });
  try {
    // More connections than are in use afterwards: no other is made for want of one.
    const crowd = await Promise.all(Array.from({ length: 20 }, () => answerOf(agent, port)));
    expect(new Set(crowd)).toEqual(new Set([FIRST]));
    addresses = [SECOND];
    await until('the other address to answer', async () => (await answerOf(agent, port)) === SECOND);
  } finally {
    await agent.destroy();
    await Promise.all(servers.map(close));
  }
});
