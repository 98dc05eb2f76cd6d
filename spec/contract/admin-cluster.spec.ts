// The admin command on a Redis Cluster: jobs lie on every master, and so do the keys of their queues.
import { recordKey } from '../../plugins/async-request-reply/redis/keys';
import { StorageQuota } from '../../plugins/async-request-reply/queue/storage-quota';
import { until } from '../helpers/until';
import { reply } from '../helpers/upstream/answers';
import { useClusterLab } from './admin-kit/use-cluster-lab';

const QUEUES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];

const stage = useClusterLab();

const ours = (keys: readonly string[]): string[] =>
  keys.filter((key) => key.startsWith(`${stage.lab.prefix}:`));

test('lists queues and jobs of every master', async () => {
  const ids: string[] = [];
  for (const queue of QUEUES) ids.push(await stage.lab.accept({ queue }));
  const masters = await stage.keysByMaster();
  const { queues } = (await stage.lab.json(['queues'])).value as {
    queues: { queue: string; open: number; stored_bytes: number }[];
  };
  const jobs = (await stage.lab.json(['jobs', '--full-ids'])).value as { jobs: { id: string }[] };

  expect(masters).toHaveLength(3);
  for (const keys of masters) expect(ours(keys)).not.toEqual([]);
  expect(queues.map(({ queue, open, stored_bytes: bytes }) => [queue, open, bytes])).toEqual(
    [...QUEUES].sort().map((queue) => [queue, 1, 'secret body'.length]),
  );
  expect(jobs.jobs.map(({ id }) => id).sort()).toEqual([...ids].sort());
});

test('shows, pauses, resumes and cancels', async () => {
  for (const queue of QUEUES) {
    const id = await stage.lab.accept({ queue });
    expect((await stage.lab.json(['show', id])).value).toMatchObject({ queue, state: 'queued' });
    expect((await stage.lab.admin(['pause', queue])).code).toBe(0);
    expect((await stage.lab.admin(['resume', queue])).code).toBe(0);
    expect((await stage.lab.admin(['cancel', id, '--yes'])).code).toBe(0);
    expect((await stage.lab.access.jobs.read(id))?.state).toBe('cancelled');
  }
});

test('redrives dead letters of every queue, and they run, and their results alone are counted then', async () => {
  const ids: [id: string, queue: string][] = [];
  for (const queue of QUEUES) {
    const path = `/dead-${queue}`;
    stage.upstream.script(path, reply({ status: 503 }));
    const [id = ''] = await stage.lab.deadLetters(1, { queue, path });
    ids.push([id, queue]);
    stage.upstream.script(path, reply({ body: 'recovered' }));
  }
  // Only now: the workers that make dead letters take what has been redriven too.
  for (const queue of QUEUES) {
    expect(await stage.lab.admin(['redrive', '--queue', queue, '--yes'])).toMatchObject({
      code: 0,
      stderr: '',
    });
  }
  stage.lab.startWorker();

  const stored = new StorageQuota(stage.lab.client, stage.lab.prefix);
  for (const [id, queue] of ids) {
    expect((await stage.lab.left(id, queue)).upstreamStatus).toBe(200);
    await until('it to be dead no more', async () => !(await stage.lab.index.membership(queue, id)).dead);
    expect(stage.upstream.callsOf(id)).toHaveLength(2);
    expect(await stored.total(queue)).toBe('recovered'.length);
  }
});

test('purges every trace of settled jobs on every master', async () => {
  const ids: string[] = [];
  for (const queue of QUEUES) ids.push(...(await stage.lab.deadLetters(2, { queue })));
  const kept = await stage.lab.accept({ queue: 'alpha' });
  const { value } = await stage.lab.json(['purge', '--all', '--yes']);

  expect(value).toMatchObject({ done: true, still_open: 0 });
  const left = ours((await stage.keysByMaster()).flat());
  expect(left.filter((key) => ids.some((id) => key.includes(id)))).toEqual([]);
  expect(left).toContain(recordKey(stage.lab.prefix, kept));
});

test('has a doctor that asks every master', async () => {
  await stage.lab.accept();
  const { value } = await stage.lab.json(['doctor']);
  const checks = (value as { checks: { name: string; findings: unknown[] }[] }).checks;

  const names = ['redis-version', 'eviction', 'append-only-file', 'acl'];
  const about = checks.filter(({ name }) => names.includes(name));
  expect(about.map(({ name, findings }) => [name, findings])).toEqual(names.map((name) => [name, []]));
});
