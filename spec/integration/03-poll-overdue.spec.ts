// docs/http.md, "Poll": a job is expired when its deadline has passed before it ran, whether or not a worker is there to
// say so.
import { strangeJobId } from '../helpers/job-ids';
import { Latch } from '../helpers/latch';
import { heldBy, reply, silence } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const stack = useStack({
  routes: [
    { name: 'late', config: { deadline_seconds: 1, queue: { name: 'late' } } },
    { name: 'lost', config: { queue: { name: 'lost' } } },
    { name: 'slow', config: { deadline_seconds: 4, queue: { name: 'slow' } } },
  ],
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

/** Over what a poll leaves to workers. */
const LONG_AGO_MS = 120_000;

const key = (suffix: string): string => `${stack().keyPrefix}:${suffix}`;

/** Waits until the job's deadline is over, by Redis's clock. */
async function overdue(id: string): Promise<void> {
  const { redis } = stack();
  await until('the deadline to be over', async () => {
    const [seconds] = (await redis.command('TIME')) as [string, string];
    return Number(seconds) * 1000 > Number(await redis.command('HGET', key(`{${id}}:job`), 'deadline_at'));
  });
}

test('without a worker a poll after the deadline returns 504 and releases the slot of the job', async () => {
  const { redis } = stack();
  const { id } = await stack().submit('/late/expired', { method: 'POST', body: 'a' });
  await overdue(id);
  const response = await stack().poll('/late/expired', id);
  const status = await stack().request(`/late/expired?async-id=${id}`);

  expect([response.status, response.json()['type']]).toEqual([
    504,
    expect.stringMatching(/deadline-exceeded$/),
  ]);
  expect([status.status, status.json()['state']]).toEqual([200, 'expired']);
  expect(await redis.command('ZCARD', key('{late}:open'))).toBe(0);
  expect(await redis.command('ZCARD', key('{late}:slots'))).toBe(0);
  expect(await redis.command('EXISTS', key(`{late}:late:${id}`))).toBe(0);
  expect(await redis.command('EXISTS', key(`{${id}}:req`))).toBe(0);
});

test('a cancel after the deadline comes too late: 409, expired', async () => {
  const { id } = await stack().submit('/late/cancelled');
  await overdue(id);
  const response = await stack().poll('/late/cancelled', id, { method: 'DELETE' });

  expect([response.status, response.json()['state']]).toEqual([409, 'expired']);
});

test('a job that runs past its deadline is left to its worker', async () => {
  const latch = new Latch();
  const path = '/slow/running';
  stack().upstream.script(path, heldBy(latch, reply({ body: 'done' })));
  // The first request brings the queue, which the worker has taken before the job's time begins.
  await stack().poll(path, strangeJobId());
  const worker = startWorker();
  await until('the worker to take the queue', () => /"slow".*takes jobs of a queue/.test(worker.log));
  const { id } = await stack().submit(path);
  await stack().upstream.called(path);
  await overdue(id);
  const response = await stack().poll(path, id);
  latch.open();

  expect([response.status, response.json()['state']]).toEqual([202, 'running']);
  expect((await stack().settled(path, id)).text).toBe('done');
});

test('a poll recovers a job that its queue has lost and no worker runs', async () => {
  const { redis, upstream } = stack();
  const path = '/lost/running';
  upstream.script(path, silence(), reply({ body: 'second' }));
  const lost = startWorker();
  const { id } = await stack().submit(path);
  await upstream.called(path);
  await lost.kill();
  // As if Redis had lost the end of the first attempt, and not what came behind it.
  await redis.command('ZREM', key('{lost}:open'), id);
  for (const list of ['active', 'stalled', id, `${id}:lock`]) {
    await redis.command('DEL', key(`{lost}:lost:${list}`));
  }
  await redis.command('HSET', key(`{${id}}:job`), 'lease_until', String(Date.now() - LONG_AGO_MS));
  startWorker();

  expect((await stack().settled(path, id)).text).toBe('second');
  expect(await redis.command('ZCARD', key('{lost}:open'))).toBe(0);
});
