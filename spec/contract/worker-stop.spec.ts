// A worker that is asked to stop while it still takes up its queues, on a Cluster: it ends, and takes no further one.
import pino from 'pino';
import { SecretBox } from '../../plugins/async-request-reply/secrets/secret-box';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import { resolveConfig } from '../../schemas/resolve-config';
import { startCluster, type RedisTopology } from '../helpers/redis-topology';
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
