// The handoff listener under nginx, which sends a request again where its answer was lost (`proxy_next_upstream`): whatever
// comes with a note is one job.
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { resolve } from 'node:path';
import pino from 'pino';
import type { ThreadedHandoffListener } from '../../kong/plugin-server/handoff-listener';
import type { StreamingCommand } from '../../plugins/async-request-reply/access/gateway-action';
import { TICKET_HEADER } from '../../plugins/async-request-reply/handoff/types';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import { openWorkerClient, type RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { resolveConfig } from '../../schemas/resolve-config';
import { PartialExchange } from '../helpers/http/partial-exchange';
import { RedisServer } from '../helpers/redis-server';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'resend';
const KEYS = new KeySpace(PREFIX);
const LONG_MS = 60_000;
const METHODS = ['GET', 'PUT', 'DELETE', 'POST'] as const;

/** More than one chunk. */
const body = Buffer.alloc(700_000, 'resend');
const half = body.subarray(0, body.length / 2);

/** As built: its listener is a thread. */
const LISTENER = resolve(__dirname, '../../dist/kong/plugin-server/handoff-listener.js');

let redis: RedisClient;
let lane: ThreadedHandoffListener;
let settingsKey: string;

useResources(async (resources) => {
  const server = await resources.use(RedisServer.start({ appendOnly: false }), (started) => started.stop());
  const config = resolveConfig({ redis: { port: server.port, key_prefix: PREFIX } });
  redis = openWorkerClient(config.redis, () => undefined);
  resources.add(() => redis.disconnect());
  const built = jest.requireActual<{ ThreadedHandoffListener: typeof ThreadedHandoffListener }>(LISTENER);
  const settings = { logLevel: 'warn', backlog: 511 } as const;
  const starting = built.ThreadedHandoffListener.start(pino({ level: 'silent' }), settings);
  lane = await resources.use(starting, (started) => started.stop());
  settingsKey = lane.register(config);
});

interface Sending {
  readonly id: string;
  readonly queue: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

/** A request as nginx receives it from Kong: with its ticket, and sent as often as nginx retries. */
function handedOff(method: string, key?: string): Sending {
  const [id, queue] = [newJobId(), `q${newJobId()}`];
  const order: StreamingCommand = {
    kind: 'accept',
    job: {
      id,
      queue,
      owner: 'somebody',
      body: 'stored',
      repeatable: true,
      maxAttempts: 1,
      delayMs: 0,
      deadlineMs: LONG_MS,
      resultTtlMs: LONG_MS,
      openTtlMs: LONG_MS,
      request: { method, path: '/', target: { scheme: 'http', host: 'h', port: 1 }, headers: [] },
    },
    admission: { priority: 5, maxWaiting: 1, maxPerCaller: 1, minReplicas: 0 },
    line: { method, uri: '/x', prefix: '' },
    isPollable: true,
    tlsVerify: false,
    key: key === undefined ? undefined : { from: 'header', key, address: '' },
    preferences: { respondAsync: false, waitSeconds: undefined },
  };
  const note = lane.seal({ settingsKey, method, command: order });
  const length = method === 'GET' ? 0 : body.length;
  return { id, queue, method, headers: { [TICKET_HEADER]: note, 'Content-Length': String(length) } };
}

interface Answer {
  readonly status: number | undefined;
  readonly id: unknown;
}

const send = ({ method, headers }: Sending): Promise<Answer> =>
  new Promise((answered, reject) => {
    const options = { host: '127.0.0.1', port: lane.port(), path: '/x', method, headers, agent: false };
    const call = httpRequest(options, (response) => {
      response.resume();
      const answer = { status: response.statusCode, id: response.headers['x-async-kong-id'] };
      response.once('end', () => answered(answer)).once('error', reject);
    });
    call.once('error', reject).end(method === 'GET' ? undefined : body);
  });

/** Sends the head and, where there is one, so much of the body. */
async function begin({ method, headers }: Sending, content: Buffer): Promise<PartialExchange> {
  const exchange = await PartialExchange.begin(lane.port() ?? 0, `${method} /x`, headers);
  if (method !== 'GET') exchange.send(content);
  return exchange;
}

/** There is one job of it, once in its queue, and its body is whole. */
async function expectOneJob({ id, queue, method }: Sending): Promise<void> {
  const jobs = new JobStore(redis, KEYS);
  expect(await jobs.read(id)).toMatchObject({ id, state: 'queued' });
  expect(await redis.zrange(KEYS.openJobs(queue), 0, '-1')).toEqual([id]);
  expect(await redis.zrange(KEYS.bullWaiting(queue), 0, '-1')).toEqual([id]);
  const stored = await (await jobs.payloads.readRequest(id))?.body();
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  expect(sha256(stored ?? half)).toBe(sha256(method === 'GET' ? Buffer.alloc(0) : body));
}

const stored = (key: string): Promise<boolean> => redis.exists(key).then((count) => count === 1);

describe.each(METHODS)('a %s that is sent again with its ticket', (method) => {
  test.each([
    ['without', undefined],
    ['under', 'an-idempotency-key'],
  ])('after its response creates no second job, %s an idempotency key', async (_how, key) => {
    const sending = handedOff(method, key);
    const answers = [await send(sending), await send(sending), await send(sending)];

    expect(answers).toEqual(Array(3).fill({ status: 202, id: sending.id }));
    await expectOneJob(sending);
  });

  test('several times at once is one job, and each response has its ID', async () => {
    const sending = handedOff(method);
    const answers = await Promise.all(Array.from({ length: 5 }, () => send(sending)));

    expect(answers).toEqual(Array(5).fill({ status: 202, id: sending.id }));
    await expectOneJob(sending);
  });

  test('after a disconnect during the accept is one job', async () => {
    const sending = handedOff(method);
    const first = await begin(sending, body);
    await until('the job to be there', () => stored(`${PREFIX}:{${sending.id}}:job`));
    await first.hangUp();

    expect(await send(sending)).toEqual({ status: 202, id: sending.id });
    await expectOneJob(sending);
  });
});

test.each(['PUT', 'DELETE', 'POST'])(
  'a %s that is interrupted within its body leaves nothing, and is complete when it is sent again',
  async (method) => {
    const sending = handedOff(method);
    const first = await begin(sending, half);
    const key = KEYS.request(sending.id);
    await until('a part to be stored', () => stored(key));
    const again = send(sending);
    await first.hangUp();

    expect(await again).toEqual({ status: 202, id: sending.id });
    await expectOneJob(sending);
  },
);

test('the plugin server waits before its exit for nginx to return with a ticket', async () => {
  const sending = handedOff('PUT');
  const stopped = lane.stop();
  // As long as an end takes, and longer: each of these has a connection of its own.
  for (let at = 0; at < 40; at += 1) {
    expect(await send({ ...sending, headers: { 'Content-Length': '0' }, method: 'GET' })).toMatchObject({
      status: 403,
    });
  }

  expect(await send(sending)).toEqual({ status: 202, id: sending.id });
  await stopped;
  expect(lane.port()).toBeUndefined();
});
