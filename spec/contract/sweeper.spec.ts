// The sweep goes through all that is overdue, whatever holds the first of it.
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { Sweeper } from '../../plugins/async-request-reply/worker/sweeper';
import { until } from '../helpers/until';
import { useAdminLab } from './admin-kit/use-admin-lab';

const stage = useAdminLab();

/** Over the sweep's page of 500. */
const HELD = 510;
const LEASE_MS = 3_600_000;

test(`settles what is overdue behind ${HELD} jobs that run past their deadline, and leaves those alone`, async () => {
  const { lab } = stage;
  const { jobs } = lab.access;
  const open = lab.keys.openJobs('q');
  for (let made = 0; made < HELD; made += 1) {
    const id = await lab.accept();
    await jobs.start(id, randomUUID(), LEASE_MS);
    await lab.client.zadd(open, 'XX', 1, id);
  }
  const overdue = [await lab.accept(), await lab.accept()];
  for (const id of overdue) {
    await lab.client.hset(lab.keys.record(id), 'deadline_at', 2);
    await lab.client.zadd(open, 'XX', 2, id);
  }
  const scheduler = openScheduler(lab.client, lab.keys, 'q');
  const context = { redis: lab.client, keys: lab.keys, jobs, index: lab.index, stalledCheckMs: LEASE_MS };
  const sweeper = new Sweeper({ ...context, log: pino({ level: 'silent' }) }, 'q', scheduler);
  sweeper.start();
  try {
    for (const id of overdue) expect((await lab.left(id)).state).toBe('expired');
    await until('BullMQ to know them no more', async () => {
      const known = await Promise.all(overdue.map((id) => scheduler.getJob(id)));
      return known.every((job) => job === undefined);
    });
  } finally {
    await sweeper.stop();
    await scheduler.close();
  }
  expect(await lab.client.zcard(open)).toBe(HELD);
});

test('a queue is looked after though Redis was full when it was taken', async () => {
  const { lab } = stage;
  const id = await lab.accept();
  const scheduler = openScheduler(lab.client, lab.keys, 'q');
  await lab.client.hset(lab.keys.record(id), 'deadline_at', 1);
  await lab.client.zadd(lab.keys.openJobs('q'), 'XX', 1, id);
  // Only the sweep finds it.
  await scheduler.remove(id);
  await scheduler.close();
  await lab.client.config('RESETSTAT');
  await lab.client.config('SET', 'maxmemory', 1);
  lab.startWorker();
  // The queue's limits are the first thing that a worker writes of it.
  await until('the worker to be refused', async () =>
    /cmdstat_hset:.*rejected_calls=[1-9]/.test(await lab.client.info('commandstats')),
  );
  await lab.client.config('SET', 'maxmemory', 0);

  expect((await lab.left(id)).state).toBe('expired');
});
