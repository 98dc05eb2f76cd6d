// The admin command on a Redis Cluster: jobs lie on every master, and so do the keys of their queues.
import { StorageQuota } from '../../plugins/async-request-reply/queue/storage-quota';
import { until } from '../helpers/until';
import { reply } from '../helpers/upstream/answers';
import { useClusterFixture } from './admin-fixture/use-cluster-fixture';

const QUEUES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];

const fixture = useClusterFixture();

const ours = (keys: readonly string[]): string[] =>
  keys.filter((key) => key.startsWith(`${fixture.system.prefix}:`));

test('the admin command lists queues and jobs of every master', async () => {
  const ids: string[] = [];
  for (const queue of QUEUES) ids.push(await fixture.system.accept({ queue }));
  const masters = await fixture.keysByMaster();
  const { queues } = (await fixture.system.json(['queues'])).value as {
    queues: { queue: string; open: number; stored_bytes: number }[];
  };
  const jobs = (await fixture.system.json(['jobs', '--full-ids'])).value as { jobs: { id: string }[] };

  expect(masters).toHaveLength(3);
  for (const keys of masters) expect(ours(keys)).not.toEqual([]);
  expect(queues.map(({ queue, open, stored_bytes: bytes }) => [queue, open, bytes])).toEqual(
    [...QUEUES].sort().map((queue) => [queue, 1, 'secret body'.length]),
  );
  expect(jobs.jobs.map(({ id }) => id).sort()).toEqual([...ids].sort());
});

test('the admin command shows, pauses, resumes and cancels on a cluster', async () => {
  for (const queue of QUEUES) {
    const id = await fixture.system.accept({ queue });
    expect((await fixture.system.json(['show', id])).value).toMatchObject({ queue, state: 'queued' });
    expect((await fixture.system.admin(['pause', queue])).code).toBe(0);
    expect((await fixture.system.admin(['resume', queue])).code).toBe(0);
    expect((await fixture.system.admin(['cancel', id, '--yes'])).code).toBe(0);
    expect((await fixture.system.access.jobs.read(id))?.state).toBe('cancelled');
  }
});

test('redriven dead letters of every queue run, and only their results are counted afterwards', async () => {
  const ids: [id: string, queue: string][] = [];
  for (const queue of QUEUES) {
    const path = `/dead-${queue}`;
    fixture.upstream.script(path, reply({ status: 503 }));
    const [id = ''] = await fixture.system.deadLetters(1, { queue, path });
    ids.push([id, queue]);
    fixture.upstream.script(path, reply({ body: 'recovered' }));
  }
  // Only now: the workers that make dead letters take what has been redriven too.
  for (const queue of QUEUES) {
    expect(await fixture.system.admin(['redrive', '--queue', queue, '--yes'])).toMatchObject({
      code: 0,
      stderr: '',
    });
  }
  fixture.system.startWorker();

  const stored = new StorageQuota(fixture.system.client, fixture.system.keys);
  for (const [id, queue] of ids) {
    expect((await fixture.system.left(id, queue)).upstreamStatus).toBe(200);
    await until(
      'it to be dead no more',
      async () => !(await fixture.system.index.membership(queue, id)).dead,
    );
    expect(fixture.upstream.callsOf(id)).toHaveLength(2);
    expect(await stored.total(queue)).toBe('recovered'.length);
  }
});

test('a purge deletes every key of settled jobs on every master', async () => {
  const ids: string[] = [];
  for (const queue of QUEUES) ids.push(...(await fixture.system.deadLetters(2, { queue })));
  const kept = await fixture.system.accept({ queue: 'alpha' });
  const { value } = await fixture.system.json(['purge', '--all', '--yes']);

  expect(value).toMatchObject({ done: true, still_open: 0 });
  const left = ours((await fixture.keysByMaster()).flat());
  expect(left.filter((key) => ids.some((id) => key.includes(id)))).toEqual([]);
  expect(left).toContain(fixture.system.keys.record(kept));
});

test('the doctor checks every master', async () => {
  await fixture.system.accept();
  const { value } = await fixture.system.json(['doctor']);
  const checks = (value as { checks: { name: string; findings: unknown[] }[] }).checks;

  const names = ['redis-version', 'eviction', 'append-only-file', 'acl'];
  const about = checks.filter(({ name }) => names.includes(name));
  expect(about.map(({ name, findings }) => [name, findings])).toEqual(names.map((name) => [name, []]));
});
