// Bodies of any size, in bounded memory and past the plugin server's event loop. `npm run large` takes 256 MiB each way.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TEST_TIMEOUT_MS } from '../helpers/patience';
import { ResidentMemory } from '../helpers/resident-memory';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const MIB = 1024 * 1024;
const SIZE_MIB = Number(process.env['LARGE_MIB'] ?? 16);
const BYTES = SIZE_MIB * MIB;
/** V8 collects unused buffers only after 32 MiB of them. */
const MOST_GROWTH_MIB = 64;
/** As the systemd unit and the image of the worker have it. */
const AS_SHIPPED = { NODE_OPTIONS: '--max-semi-space-size=2' };
const MOST_STALL_MS = 50;
const TIMEOUT_MS = TEST_TIMEOUT_MS + SIZE_MIB * 2000;

jest.setTimeout(TIMEOUT_MS);

const directory = mkdtempSync(join(tmpdir(), 'arr-stalls-'));
const stallsFile = join(directory, 'stalls');

const stack = useStack({
  routes: [{ name: 'jobs' }],
  env: {
    ARR_WORKER_THREADS: '0',
    ARR_SPEC_STALLS: stallsFile,
    NODE_OPTIONS: `--require ${resolve(__dirname, '../helpers/event-loop-probe.js')}`,
  },
});
const startWorker = useWorkers(stack);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** As many bytes, none like those a MiB before. */
function* body(seed: Buffer): Generator<Buffer> {
  for (let mib = 0; mib < SIZE_MIB; mib++) {
    const piece = Buffer.from(seed);
    piece.writeUInt32BE(mib);
    yield piece;
  }
}

/** Reads to the end, one piece at a time in memory. */
async function digestOf(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

const upload = randomBytes(MIB);
const download = randomBytes(MIB);
describe('bodies', () => {
  let received = '';

  useResources(async (resources) => {
    const server = createServer((incoming, response) => {
      void digestOf(incoming as AsyncIterable<Buffer>).then(async (digest) => {
        if (incoming.url?.endsWith('/warm')) {
          response.end();
          return;
        }
        received = digest;
        response.writeHead(200, { 'Content-Length': BYTES });
        await pipeline(Readable.from(body(download)), response);
      });
    });
    resources.add(async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const limits = { request: { max_body_bytes: BYTES }, response: { max_body_bytes: BYTES } };
    const serviceUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await stack().applyRoutes([
      { name: 'jobs', serviceUrl, config: limits },
      { name: 'stream', serviceUrl, config: limits, route: { request_buffering: false } },
    ]);
  });

  const exchange = (path: string, method: string, content?: Iterable<Buffer>): Promise<IncomingMessage> =>
    new Promise((answered, fail) => {
      const headers = content === undefined ? {} : { 'Content-Length': BYTES };
      const { proxyPort: port } = stack().gateway;
      const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, answered);
      call.once('error', fail);
      if (content === undefined) call.end();
      else pipeline(Readable.from(content), call).catch(fail);
    });

  /** The longest stall since the last look, in ms: without time on the run queue, and plainly. */
  async function longestStallMs(pid: number): Promise<[own: number, plain: number]> {
    rmSync(stallsFile, { force: true });
    process.kill(pid, 'SIGUSR2');
    const [own = NaN, plain = NaN] = await until('the figures', () => {
      try {
        return readFileSync(stallsFile, 'utf8').split(' ').map(Number);
      } catch {
        return null;
      }
    });
    return [own, plain];
  }

  test.each(['jobs', 'stream'])(
    `${SIZE_MIB} MiB go up and down route %s byte for byte, in bounded memory and without a stall`,
    async (route) => {
      const path = `/${route}/large`;
      const worker = startWorker(AS_SHIPPED);
      // By then everybody is there, and has what it takes to run.
      await stack().roundTrip(`/${route}/warm`, { method: 'POST', body: 'a' });
      const [pid = 0] = await stack().gateway.pluginServerPids();
      const memory = new ResidentMemory([pid, worker.pid]);
      await longestStallMs(pid);

      const accepted = await exchange(path, 'POST', body(upload));
      accepted.resume();
      const id = String(accepted.headers['x-async-kong-id']);
      expect(accepted.statusCode).toBe(202);
      await until(
        'the job to settle',
        async () => (await stack().request(`${path}?async-id=${id}`)).status === 303,
        { timeoutMs: TIMEOUT_MS },
      );
      const result = await exchange(`${path}?async-id=${id}&async-view=result`, 'GET');
      const got = await digestOf(result as AsyncIterable<Buffer>);
      const [stallMs, plainMs] = await longestStallMs(pid);
      const growthMib = memory.stop();

      expect(received).toBe(await digestOf(body(upload)));
      expect(got).toBe(await digestOf(body(download)));
      const digest = Buffer.from(got, 'hex').toString('base64');
      expect(result.headers['repr-digest']).toBe(`sha-256=:${digest}:`);
      if (process.env['LARGE_MIB']) {
        process.stdout.write(
          `${route}: plugin server +${growthMib[0]} MiB, worker +${growthMib[1]} MiB, stall ${stallMs.toFixed(1)} ms, plainly ${plainMs.toFixed(1)} ms\n`,
        );
      }
      expect(Math.max(...growthMib)).toBeLessThanOrEqual(MOST_GROWTH_MIB);
      expect(stallMs).toBeLessThanOrEqual(MOST_STALL_MS);
    },
  );
});
