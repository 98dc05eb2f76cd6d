// Workers and plugin servers are killed with SIGKILL, and clients disconnect, in the middle of large bodies. No partial body is
// served or left in Redis, and no upload creates two jobs.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PartialExchange } from '../helpers/http/partial-exchange';
import { Latch } from '../helpers/latch';
import type { RouteOptions } from '../helpers/stack/kong-config';
import { heldBy, reply, type Answer } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const MIB = 1024 * 1024;
const large = randomBytes(8 * MIB);
const half = large.subarray(0, large.length / 2);
/** More than the socket buffers between Redis and a client that does not read can hold. */
const huge = randomBytes(48 * MIB);

/** Every body takes the handoff path, even an empty one. */
const streamEverything = { handoff: { request_threshold_bytes: 0, response_threshold_bytes: 0 } };

const routes: RouteOptions[] = [
  { name: 'jobs' },
  { name: 'stream', route: { request_buffering: false, response_buffering: false } },
  { name: 'all', config: streamEverything },
];

// The workers are separate processes, so they survive the plugin server.
const stack = useStack({ routes, env: { ARR_WORKER_THREADS: '0' } });
const startWorker = useWorkers(stack);

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const keysOf = async (id: string): Promise<string[]> =>
  (await stack().redis.keys()).filter((key) => key.includes(`{${id}}:`));

/** Every key of a job or of an upload expires. */
async function expectTtls(): Promise<void> {
  const keys = (await stack().redis.keys()).filter((key) => /\}:(job|req|res:.*)$/.test(key));
  for (const key of keys) {
    const ttl = Number(await stack().redis.command('PTTL', key));
    // -2: the key has expired in the meantime.
    expect([key, ttl === -2 || ttl > 0]).toEqual([key, true]);
  }
}

/** Sends half of a response, and then nothing until the worker has died. */
const halfAnswer: Answer = async ({ socket, gone }) => {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n`);
  socket.write(half);
  await gone;
};

describe('a worker that is killed', () => {
  test.each([
    { method: 'GET', outcome: 'is retried', status: 200 },
    { method: 'POST', outcome: 'ends as outcome-unknown', status: 502 },
  ])(
    'while it stores the response: the $method $outcome, and no partial response is served',
    async ({ method, status }) => {
      const path = `/jobs/half-response-${method}`;
      stack().upstream.script(path, halfAnswer, reply({ body: large }));
      const worker = startWorker();
      const { id } = await stack().submit(path, { method, ...(method === 'POST' && { body: large }) });
      const response = await until('a part of the response to be stored', async () =>
        (await keysOf(id)).find((key) => key.includes(':res:')),
      );

      await worker.kill();
      expect((await stack().redis.command('HEXISTS', response, 'head')) as number).toBe(0);
      expect(await stack().poll(path, id)).toMatchObject({ status: 202 });
      await expectTtls();
      startWorker();
      const end = await stack().settled(path, id);

      expect(end.status).toBe(status);
      if (method === 'GET') expect(sha256(end.body)).toBe(sha256(large));
      else expect(end.json()['type']).toBe('urn:problem:async-request-reply:outcome-unknown');
      expect(stack().upstream.callsOf(id)).toHaveLength(method === 'GET' ? 2 : 1);
      await expectTtls();
    },
  );

  describe('while it sends the request to the upstream', () => {
    let server: Server;
    let uploads: { method: string | undefined; body: string }[] = [];
    let begun = 0;

    beforeAll(async () => {
      // The upstream does not read the first upload of each method to its end.
      const stalled = new Set<string | undefined>();
      server = createServer((request, response) => {
        const { method } = request;
        if (!stalled.has(method)) {
          stalled.add(method);
          request.once('data', () => {
            begun += 1;
            request.pause();
          });
          request.on('error', () => undefined);
          return;
        }
        const hash = createHash('sha256');
        request.on('data', (piece: Buffer) => hash.update(piece));
        request.once('end', () => {
          uploads.push({ method, body: hash.digest('hex') });
          response.end('taken');
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const serviceUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const config = { request: { max_body_bytes: huge.length } };
      await stack().applyRoutes([...routes, { name: 'slow', serviceUrl, config }]);
    });

    afterAll(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    test.each([
      { method: 'PUT', outcome: 'is retried', status: 200 },
      { method: 'POST', outcome: 'is not retried', status: 502 },
    ])('the $method $outcome', async ({ method, status }) => {
      uploads = [];
      const before = begun;
      const worker = startWorker();
      const { id } = await stack().submit('/slow/upload', { method, body: huge });
      await until('the upload to begin', () => begun > before);

      await worker.kill();
      await expectTtls();
      startWorker();
      const end = await stack().settled('/slow/upload', id);

      expect(end.status).toBe(status);
      expect(uploads).toEqual(method === 'PUT' ? [{ method, body: sha256(huge) }] : []);
    });
  });
});

describe('a plugin server that is killed', () => {
  test('during an upload returns no 202, and the partial request expires within five minutes', async () => {
    const before = new Set(await stack().redis.keys());
    const upload = await PartialExchange.begin(stack().gateway.proxyPort, 'POST /stream/killed', {
      'Content-Length': String(large.length),
    });
    upload.send(half);
    const key = await until('a part of the request to be stored', async () =>
      (await stack().redis.keys()).find((name) => !before.has(name) && name.endsWith(':req')),
    );

    await stack().killPluginServer();
    upload.send(large.subarray(half.length));
    await until('a response, or the end of the connection', () => upload.received.length > 0);
    await upload.hangUp();
    await stack().pluginServerBack('/stream/killed');

    expect(upload.received.toString('latin1')).not.toMatch(/^HTTP\/1\.1 202/);
    expect(Number(await stack().redis.command('PTTL', key))).toBeLessThanOrEqual(300_000);
    expect(Number(await stack().redis.command('PTTL', key))).toBeGreaterThan(0);
    const id = /\{(.*)\}/.exec(key)?.[1] ?? '';
    expect(await keysOf(id)).toEqual([key]);
    expect((await stack().poll('/stream/killed', id)).status).toBe(404);
    expect(stack().upstream.callsTo('/stream/killed')).toEqual([]);
  });

  test('during a download truncates it, and the client can fetch the rest with a range request', async () => {
    const path = '/jobs/download';
    stack().upstream.script(path, reply({ headers: { ETag: '"v1"' }, body: huge }));
    const worker = startWorker();
    const { id } = await stack().submit(path);
    const url = `${path}?async-id=${id}&async-view=result`;
    const { proxyPort } = stack().gateway;
    await until('the job to settle', async () => {
      const status = await stack().request(`${path}?async-id=${id}`);
      return status.status === 303;
    });
    await worker.stop();

    const download = await PartialExchange.begin(proxyPort, `GET ${url}`);
    await until('some of it', () => download.content.length > MIB);
    download.pause();
    await stack().killPluginServer();
    await download.rest();
    await stack().pluginServerBack(path);
    const got = download.content;
    expect(got.length).toBeGreaterThan(MIB);
    expect(got.length).toBeLessThan(huge.length);
    expect(got.equals(huge.subarray(0, got.length))).toBe(true);

    const headers = { Range: `bytes=${got.length}-`, 'If-Range': '"v1"' };
    const rest = await stack().request(url, { headers });
    expect(rest.status).toBe(206);
    expect(sha256(Buffer.concat([got, rest.body]))).toBe(sha256(huge));
    expect(sha256(await resumedByCurl(`http://127.0.0.1:${proxyPort}${url}`, got))).toBe(sha256(huge));
  });

  test.each(['GET', 'PUT', 'DELETE'])(
    'between the accept of a %s and its 202 has created one job, and not two',
    async (method) => {
      const path = `/all/held-${method}`;
      const latch = new Latch();
      stack().upstream.script(path, heldBy(latch, reply({ body: 'once' })));
      startWorker();
      const headers = { Prefer: 'wait=20' };
      const answer = stack()
        .request(path, { method, headers, ...(method === 'PUT' && { body: large }) })
        .then(
          ({ status }) => status,
          () => 'closed',
        );
      const [call] = await stack().upstream.called(path);

      await stack().killPluginServer();
      const end = await answer;
      latch.open();
      await stack().pluginServerBack(path);
      const id = call?.jobId ?? '';

      expect(end === 'closed' || Number(end) >= 500).toBe(true);
      expect((await stack().settled(path, id)).text).toBe('once');
      expect(stack().upstream.callsTo(path)).toHaveLength(1);
      // A second job would have reached the upstream by now, or be in the set of open jobs.
      const open = (await stack().redis.keys()).filter((key) => key.endsWith(':open'));
      for (const key of open) expect(await stack().redis.command('ZCARD', key)).toBe(0);
    },
  );

  test('under a load of large bodies lets no request reach the upstream without a job', async () => {
    const path = '/jobs/load';
    startWorker();
    const enough = new Latch();
    let accepted = 0;
    const submits = Array.from({ length: 100 }, async (_, index) => {
      const body = Buffer.concat([Buffer.from(`${index};`), large.subarray(0, 300_000)]);
      const response = await stack()
        .request(path, { method: 'POST', body })
        .catch(() => undefined);
      if (response?.status === 202 && ++accepted === 15) enough.open();
      return response;
    });
    await Promise.race([enough.opened, Promise.all(submits)]);
    await stack().killPluginServer();
    const responses = await Promise.all(submits);
    await stack().pluginServerBack(path);

    const ids = responses
      .filter((response) => response?.status === 202)
      .map((response) => response?.header('X-Async-Kong-Id') ?? '');
    expect(ids.length).toBeGreaterThanOrEqual(15);
    for (const id of ids) expect((await stack().settled(path, id)).status).toBe(200);
    const calls = stack().upstream.callsTo(path);
    expect(calls.filter(({ jobId }) => jobId === undefined)).toEqual([]);
    expect(new Set(calls.map(({ body }) => sha256(body))).size).toBe(calls.length);
  });
});

describe('a client that disconnects during its upload leaves nothing in Redis', () => {
  test('on a route without request buffering', async () => {
    const before = new Set(await stack().redis.keys());
    const upload = await PartialExchange.begin(stack().gateway.proxyPort, 'POST /stream/disconnected', {
      'Content-Length': String(large.length),
    });
    upload.send(half);
    const isNew = (key: string): boolean => !before.has(key) && /\}:(req|job|once)$/.test(key);
    await until('a part of the request to be stored', async () => (await stack().redis.keys()).some(isNew));

    await upload.hangUp();

    await until('the partial request to be deleted', async () => !(await stack().redis.keys()).some(isNew));
    expect(stack().upstream.callsTo('/stream/disconnected')).toEqual([]);
  });

  test('on a route with request buffering', async () => {
    const before = new Set(await stack().redis.keys());
    const upload = await PartialExchange.begin(stack().gateway.proxyPort, 'POST /jobs/disconnected', {
      'Content-Length': String(large.length),
    });
    upload.send(half);
    await upload.hangUp();
    startWorker();
    // The first request would be in Redis by the time that another job has settled.
    const { id } = await stack().submit('/jobs/after', { method: 'POST', body: large });
    await stack().settled('/jobs/after', id);

    const leftKeys = (await stack().redis.keys()).filter(
      (key) => !before.has(key) && !key.includes(`{${id}}`),
    );
    expect(leftKeys.filter((key) => /\}:(req|job|res.*|once)$/.test(key))).toEqual([]);
    expect(stack().upstream.callsTo('/jobs/disconnected')).toEqual([]);
  });
});

/** Downloads the rest by `curl -C -`, which continues where the file ends. */
async function resumedByCurl(url: string, got: Buffer): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'arr-resume-'));
  const file = join(directory, 'result');
  try {
    await writeFile(file, got);
    await promisify(execFile)('curl', ['-sS', '--fail', '-C', '-', '-o', file, url]);
    return await readFile(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
