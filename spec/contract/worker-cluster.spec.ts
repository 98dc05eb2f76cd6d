// A worker on a Cluster, whose connections are many: it ends when it is asked to in the midst of taking up its queues, and
// no queue is left behind whose wait for jobs was cut or got no answer.
import Redis from 'ioredis';
import pino from 'pino';
import { SecretBox } from '../../plugins/async-request-reply/secrets/secret-box';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import { resolveConfig } from '../../schemas/resolve-config';
import { startCluster, type RedisTopology } from '../helpers/redis-topology';
import { until } from '../helpers/until';
import { Upstream } from '../helpers/upstream';
import { Latch } from '../helpers/latch';
import { AdminLab } from './admin-kit/admin-lab';

const START_TIMEOUT_MS = 120_000;
const QUEUES = ['alpha', 'beta', 'gamma', 'delta'];

jest.setTimeout(60_000);

let topology: RedisTopology;
let upstream: Upstream;
let lab: AdminLab;

const settings = () => resolveConfig({ redis: { cluster_nodes: topology.settings.cluster_nodes } }).redis;

beforeAll(async () => {
  topology = await startCluster();
  upstream = await Upstream.start();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await upstream.stop();
  await topology.stop();
}, START_TIMEOUT_MS);

beforeEach(() => {
  lab = new AdminLab({ settings: settings(), env: {}, keys: () => Promise.resolve([]) }, upstream);
});

afterEach(() => lab.close());

/** A worker, and what it says: one line for each queue that it takes. */
function startWorker(onQueue: (taken: number) => void): { worker: JobWorker; taken: () => number } {
  let taken = 0;
  const write = (line: string): void => {
    if (line.includes('queue taken')) onQueue((taken += 1));
  };
  const worker = JobWorker.start({
    redis: settings(),
    ...{ keyPrefix: lab.prefix, queues: [], leaseMs: 3000, stalledCheckMs: 200, secrets: new SecretBox() },
    log: pino({}, { write }),
  });
  return { worker, taken: () => taken };
}

it.each([1, 2, 3, 4])('ends after queue %d, and leaves the others and all that has not run', async (at) => {
  const ids: string[] = [];
  for (const queue of QUEUES) for (let job = 0; job < 3; job++) ids.push(await lab.accept({ queue }));
  const reached = new Latch();
  const { worker, taken } = startWorker((count) => {
    if (count === at) reached.open();
  });

  await reached.opened;
  await worker.stop(0);
  const callsAtStop = upstream.callsTo('/ok').length;

  expect(taken()).toBe(at);
  lab.startWorker();
  for (const [index, id] of ids.entries()) await lab.left(id, QUEUES[Math.floor(index / 3)]);
  expect(upstream.callsTo('/ok').length).toBeGreaterThanOrEqual(callsAtStop);
  for (const id of ids) expect((await lab.settled(id)).state).toBe('completed');
});

/** Every master answers nothing for so long: longer than a wait for jobs has patience. */
const SILENCE_MS = 4000;

it.each([
  ['was cut', 'CLIENT', 'KILL', 'TYPE', 'normal'],
  ['got no answer', 'CLIENT', 'PAUSE', String(SILENCE_MS), 'ALL'],
])('runs the jobs of every queue whose wait %s', async (_what, command, ...words) => {
  const run = async (): Promise<void> => {
    const ids = await Promise.all(
      QUEUES.map(async (queue): Promise<[string, string]> => [await lab.accept({ queue }), queue]),
    );
    for (const [id, queue] of ids) expect((await lab.left(id, queue)).state).toBe('completed');
  };
  lab.startWorker();
  await run();

  for (const { ip = '', port = 0 } of topology.settings.cluster_nodes ?? []) {
    const client = new Redis({ host: ip, port, lazyConnect: true });
    await client.connect();
    await client.call(command, ...words);
    client.disconnect();
  }
  await until('the Redis to answer', async () => (await lab.client.ping().catch(() => '')) === 'PONG');

  await run();
});
