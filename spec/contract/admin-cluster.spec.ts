// The admin command on a Redis Cluster: jobs lie on every master, and so do the keys of their queues.
import Redis from 'ioredis';
import { recordKey } from '../../plugins/async-request-reply/store/keys';
import { StoredBytes } from '../../plugins/async-request-reply/store/stored-bytes';
import { resolveConfig } from '../../schemas/resolve-config';
import { startCluster, type RedisTopology } from '../helpers/redis-topology';
import { until } from '../helpers/until';
import { Upstream } from '../helpers/upstream';
import { reply } from '../helpers/upstream/answers';
import { AdminLab } from './admin-kit/admin-lab';

const START_TIMEOUT_MS = 120_000;
const QUEUES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];

jest.setTimeout(60_000);

let topology: RedisTopology;
let upstream: Upstream;
let lab: AdminLab;

const nodes = (): readonly { ip?: string; port?: number }[] => topology.settings.cluster_nodes ?? [];

/** The keys of each master. */
async function keysByMaster(): Promise<string[][]> {
  const found: string[][] = [];
  for (const { ip = '', port = 0 } of nodes()) {
    const client = new Redis({ host: ip, port, lazyConnect: true });
    await client.connect();
    if (/role:master/.test(await client.info('replication'))) found.push(await client.keys('*'));
    client.disconnect();
  }
  return found;
}

beforeAll(async () => {
  topology = await startCluster();
  upstream = await Upstream.start();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await upstream.stop();
  await topology.stop();
}, START_TIMEOUT_MS);

beforeEach(() => {
  const list = nodes().map(({ ip = '', port = 0 }) => `${ip}:${port}`);
  lab = new AdminLab(
    {
      settings: resolveConfig({ redis: { cluster_nodes: nodes() } }).redis,
      env: { ARR_REDIS_CLUSTER_NODES: list.join() },
      keys: async () => (await keysByMaster()).flat(),
    },
    upstream,
  );
});

afterEach(() => lab.close());

const ours = (keys: readonly string[]): string[] => keys.filter((key) => key.startsWith(`${lab.prefix}:`));

it('lists queues and jobs of every master', async () => {
  const ids: string[] = [];
  for (const queue of QUEUES) ids.push(await lab.accept({ queue }));
  const masters = await keysByMaster();
  const { queues } = (await lab.json(['queues'])).value as {
    queues: { queue: string; open: number; stored_bytes: number }[];
  };
  const jobs = (await lab.json(['jobs', '--full-ids'])).value as { jobs: { id: string }[] };

  expect(masters).toHaveLength(3);
  for (const keys of masters) expect(ours(keys)).not.toEqual([]);
  expect(queues.map(({ queue, open, stored_bytes: bytes }) => [queue, open, bytes])).toEqual(
    [...QUEUES].sort().map((queue) => [queue, 1, 'secret body'.length]),
  );
  expect(jobs.jobs.map(({ id }) => id).sort()).toEqual([...ids].sort());
});

it('shows, pauses, resumes and cancels', async () => {
  for (const queue of QUEUES) {
    const id = await lab.accept({ queue });
    expect((await lab.json(['show', id])).value).toMatchObject({ queue, state: 'queued' });
    expect((await lab.admin(['pause', queue])).code).toBe(0);
    expect((await lab.admin(['resume', queue])).code).toBe(0);
    expect((await lab.admin(['cancel', id, '--yes'])).code).toBe(0);
    expect((await lab.access.jobs.read(id))?.state).toBe('cancelled');
  }
});

it('redrives dead letters of every queue, and they run, and their results alone are counted then', async () => {
  const ids: [id: string, queue: string][] = [];
  for (const queue of QUEUES) {
    const path = `/dead-${queue}`;
    upstream.script(path, reply({ status: 503 }));
    const [id = ''] = await lab.deadLetters(1, { queue, path });
    ids.push([id, queue]);
    upstream.script(path, reply({ body: 'recovered' }));
  }
  // Only now: the workers that make dead letters take what has been redriven too.
  for (const queue of QUEUES) {
    expect(await lab.admin(['redrive', '--queue', queue, '--yes'])).toMatchObject({ code: 0, stderr: '' });
  }
  lab.startWorker();

  const stored = new StoredBytes(lab.client, lab.prefix);
  for (const [id, queue] of ids) {
    expect((await lab.left(id, queue)).upstreamStatus).toBe(200);
    await until('it to be dead no more', async () => !(await lab.index.whereabouts(queue, id)).dead);
    expect(upstream.callsOf(id)).toHaveLength(2);
    expect(await stored.total(queue)).toBe('recovered'.length);
  }
});

it('purges every trace of settled jobs on every master', async () => {
  const ids: string[] = [];
  for (const queue of QUEUES) ids.push(...(await lab.deadLetters(2, { queue })));
  const kept = await lab.accept({ queue: 'alpha' });
  const { value } = await lab.json(['purge', '--all', '--yes']);

  expect(value).toMatchObject({ done: true, still_open: 0 });
  const left = ours((await keysByMaster()).flat());
  expect(left.filter((key) => ids.some((id) => key.includes(id)))).toEqual([]);
  expect(left).toContain(recordKey(lab.prefix, kept));
});

it('has a doctor that asks every master', async () => {
  await lab.accept();
  const { value } = await lab.json(['doctor']);
  const checks = (value as { checks: { name: string; findings: unknown[] }[] }).checks;

  const names = ['redis-version', 'eviction', 'append-only-file', 'acl'];
  const about = checks.filter(({ name }) => names.includes(name));
  expect(about.map(({ name, findings }) => [name, findings])).toEqual(names.map((name) => [name, []]));
});
