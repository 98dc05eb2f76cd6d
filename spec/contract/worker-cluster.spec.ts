// A worker on a Cluster, whose connections are many: it ends when it is asked to in the midst of taking up its queues, and
// no queue is left behind whose wait for jobs was cut or got no answer.
import pino from 'pino';
import { SecretStore } from '../../plugins/async-request-reply/secrets/secret-store';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import { until } from '../helpers/until';
import { Latch } from '../helpers/latch';
import { useClusterLab } from './admin-kit/use-cluster-lab';

const QUEUES = ['alpha', 'beta', 'gamma', 'delta'];

const stage = useClusterLab();

/** A worker, and what it says: one line for each queue that it takes. */
function startWorker(onQueue: (taken: number) => void): { worker: JobWorker; taken: () => number } {
  let taken = 0;
  const write = (line: string): void => {
    if (line.includes('queue taken')) onQueue((taken += 1));
  };
  const worker = JobWorker.start({
    redis: stage.settings,
    keyPrefix: stage.lab.prefix,
    queues: [],
    leaseMs: 3000,
    stalledCheckMs: 200,
    secrets: new SecretStore(),
    log: pino({}, { write }),
  });
  return { worker, taken: () => taken };
}

it.each([1, 2, 3, 4])('ends after queue %d, and leaves the others and all that has not run', async (at) => {
  const ids: string[] = [];
  for (const queue of QUEUES) for (let job = 0; job < 3; job++) ids.push(await stage.lab.accept({ queue }));
  const reached = new Latch();
  const { worker, taken } = startWorker((count) => {
    if (count === at) reached.open();
  });

  await reached.opened;
  await worker.stop(0);

  expect(taken()).toBe(at);
  stage.lab.startWorker();
  for (const [index, id] of ids.entries()) await stage.lab.left(id, QUEUES[Math.floor(index / 3)]);
  for (const id of ids) expect((await stage.lab.settled(id)).state).toBe('completed');
});

/** Every master answers nothing for so long: longer than a wait for jobs has patience. */
const SILENCE_MS = 4000;

it.each([
  ['was cut', 'CLIENT', 'KILL', 'TYPE', 'normal'],
  ['got no answer', 'CLIENT', 'PAUSE', String(SILENCE_MS), 'ALL'],
])('runs the jobs of every queue whose wait %s', async (_what, command, ...words) => {
  const run = async (): Promise<void> => {
    const ids = await Promise.all(
      QUEUES.map(async (queue): Promise<[string, string]> => [await stage.lab.accept({ queue }), queue]),
    );
    for (const [id, queue] of ids) expect((await stage.lab.left(id, queue)).state).toBe('completed');
  };
  stage.lab.startWorker();
  await run();

  await stage.ofEachNode((node) => node.call(command, ...words));
  await until('the Redis to answer', async () => (await stage.lab.client.ping().catch(() => '')) === 'PONG');

  await run();
});
