// A worker on a Cluster, whose connections are many: it ends when it is asked to in the midst of taking up its queues, and
// no queue is left behind whose wait for jobs was cut or got no answer.
import pino from 'pino';
import { SecretStore } from '../../plugins/async-request-reply/secrets/secret-store';
import { JobWorker } from '../../plugins/async-request-reply/worker/worker';
import { until } from '../helpers/until';
import { Latch } from '../helpers/latch';
import { useClusterFixture } from './admin-fixture/use-cluster-fixture';

const QUEUES = ['alpha', 'beta', 'gamma', 'delta'];

const fixture = useClusterFixture();

/** A worker, and what it says: one line for each queue that it takes. */
function startWorker(onQueue: (taken: number) => void): { worker: JobWorker; taken: () => number } {
  let taken = 0;
  const write = (line: string): void => {
    if (line.includes('takes jobs of a queue')) onQueue((taken += 1));
  };
  const worker = JobWorker.start({
    redis: fixture.settings,
    keyPrefix: fixture.system.prefix,
    queues: [],
    leaseMs: 3000,
    stalledCheckMs: 200,
    secrets: new SecretStore(),
    log: pino({}, { write }),
  });
  return { worker, taken: () => taken };
}

test.each([1, 2, 3, 4])(
  'a worker stops after queue %d, and keeps the other queues and all jobs that have not run',
  async (at) => {
    const ids: string[] = [];
    for (const queue of QUEUES) {
      for (let job = 0; job < 3; job++) ids.push(await fixture.system.accept({ queue }));
    }
    const reached = new Latch();
    const { worker, taken } = startWorker((count) => {
      if (count === at) reached.open();
    });

    await reached.opened;
    await worker.stop(0);

    expect(taken()).toBe(at);
    fixture.system.startWorker();
    for (const [index, id] of ids.entries()) await fixture.system.left(id, QUEUES[Math.floor(index / 3)]);
    for (const id of ids) expect((await fixture.system.settled(id)).state).toBe('completed');
  },
);

/** Every master answers nothing for so long: longer than a wait for jobs has patience. */
const SILENCE_MS = 4000;

test.each([
  ['was cut', 'CLIENT', 'KILL', 'TYPE', 'normal'],
  ['got no answer', 'CLIENT', 'PAUSE', String(SILENCE_MS), 'ALL'],
])('a worker runs the jobs of every queue whose wait %s', async (_what, command, ...words) => {
  const run = async (): Promise<void> => {
    const ids = await Promise.all(
      QUEUES.map(async (queue): Promise<[string, string]> => [await fixture.system.accept({ queue }), queue]),
    );
    for (const [id, queue] of ids) expect((await fixture.system.left(id, queue)).state).toBe('completed');
  };
  fixture.system.startWorker();
  await run();

  await fixture.ofEachNode((node) => node.call(command, ...words));
  await until(
    'the Redis to answer',
    async () => (await fixture.system.client.ping().catch(() => '')) === 'PONG',
  );

  await run();
});
