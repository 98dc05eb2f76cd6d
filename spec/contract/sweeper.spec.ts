// The sweeper settles every overdue job, even if the first ones still run.
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { Sweeper } from '../../plugins/async-request-reply/worker/sweeper';
import { until } from '../helpers/until';
import { useAdminFixture } from './admin-fixture/use-admin-fixture';

const fixture = useAdminFixture();

/** Over the sweep's page of 500. */
const HELD = 510;
const LEASE_MS = 3_600_000;

test(`the sweeper settles overdue jobs behind ${HELD} jobs that run past their deadline, and does not change those`, async () => {
  const { system } = fixture;
  const { jobs } = system.access;
  const open = system.keys.openJobs('q');
  for (let made = 0; made < HELD; made += 1) {
    const id = await system.accept();
    await jobs.start(id, randomUUID(), LEASE_MS);
    await system.client.zadd(open, 'XX', 1, id);
  }
  const overdue = [await system.accept(), await system.accept()];
  for (const id of overdue) {
    await system.client.hset(system.keys.record(id), 'deadline_at', 2);
    await system.client.zadd(open, 'XX', 2, id);
  }
  const scheduler = openScheduler(system.client, system.keys, 'q');
  const context = {
    redis: system.client,
    keys: system.keys,
    jobs,
    index: system.index,
    stalledCheckMs: LEASE_MS,
  };
  const sweeper = new Sweeper({ ...context, log: pino({ level: 'silent' }) }, 'q', scheduler);
  sweeper.start();
  try {
    for (const id of overdue) expect((await system.left(id)).state).toBe('expired');
    await until('BullMQ to know them no more', async () => {
      const known = await Promise.all(overdue.map((id) => scheduler.getJob(id)));
      return known.every((job) => job === undefined);
    });
  } finally {
    await sweeper.stop();
    await scheduler.close();
  }
  expect(await system.client.zcard(open)).toBe(HELD);
});

test('a queue is swept even if Redis was full when it was taken', async () => {
  const { system } = fixture;
  const id = await system.accept();
  const scheduler = openScheduler(system.client, system.keys, 'q');
  await system.client.hset(system.keys.record(id), 'deadline_at', 1);
  await system.client.zadd(system.keys.openJobs('q'), 'XX', 1, id);
  // Only the sweep finds it.
  await scheduler.remove(id);
  await scheduler.close();
  await system.client.config('RESETSTAT');
  await system.client.config('SET', 'maxmemory', 1);
  system.startWorker();
  // The queue's limits are the first thing that a worker writes of it.
  await until('the worker to be refused', async () =>
    /cmdstat_hset:.*rejected_calls=[1-9]/.test(await system.client.info('commandstats')),
  );
  await system.client.config('SET', 'maxmemory', 0);

  expect((await system.left(id)).state).toBe('expired');
});
