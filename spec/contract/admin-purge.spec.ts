// `purge`: what has settled goes with every trace of it; what is open stays, unless it is cancelled by force.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useAdminFixture } from './admin-fixture/use-admin-fixture';

const fixture = useAdminFixture();

beforeEach(() => fixture.upstream.script('/dead', reply({ status: 503 })));

const remains = async (id: string): Promise<string[]> =>
  (await fixture.server.keys()).filter((key) => key.includes(id));

test('a purge deletes record, request, responses and queue entries of dead letters', async () => {
  const { system } = fixture;
  const [id = ''] = await system.deadLetters(1, { path: '/dead' });
  // An attempt that lost its lease leaves a response behind that no record names.
  await system.client.hset(system.keys.response(id, '1.1'), 'head', 'x');
  expect(await system.json(['purge', '--state', 'dead', '--yes'])).toEqual({
    code: 0,
    value: { done: true, purged: 1, still_open: 0, newer: 0 },
  });
  expect(await remains(id)).toEqual([]);
  expect(await system.client.zcard(system.keys.deadLetters('q'))).toBe(0);
});

test('a purge by owner keeps the jobs of others', async () => {
  const { system } = fixture;
  const alice = await system.deadLetters(2, { path: '/dead', owner: 'consumer:alice' });
  const bob = await system.deadLetters(2, { path: '/dead', owner: 'consumer:bob' });
  expect(await system.json(['purge', '--owner', 'consumer:alice', '--yes'])).toMatchObject({
    value: { purged: 2 },
  });
  for (const id of alice) expect(await system.access.jobs.read(id)).toBeUndefined();
  for (const id of bob) expect(await system.access.jobs.isDead(id)).toBe(true);
  expect(await system.client.zcard(system.keys.deadLetters('q'))).toBe(2);
});

test('a purge by queue keeps other queues', async () => {
  const { system } = fixture;
  await system.deadLetters(1, { path: '/dead' });
  const [other = ''] = await system.deadLetters(1, { path: '/dead', queue: 'other' });
  const { stdout } = await system.admin(['purge', '--queue', 'q', '--yes']);
  expect(stdout).toBe('1 job was purged.\n');
  expect(await system.access.jobs.isDead(other)).toBe(true);
});

test('a purge by age keeps younger jobs', async () => {
  const { system } = fixture;
  const [old = '', young = ''] = await system.deadLetters(2, { path: '/dead' });
  await system.client.hset(system.keys.record(old), 'settled_at', Date.now() - 7_200_000);
  expect(await system.json(['purge', '--older-than', '1h', '--yes'])).toMatchObject({ value: { purged: 1 } });
  expect(await system.access.jobs.read(old)).toBeUndefined();
  expect(await system.access.jobs.isDead(young)).toBe(true);
});

test('a purge with --all deletes every settled job, and no open one', async () => {
  const { system } = fixture;
  await system.deadLetters(1, { path: '/dead' });
  await system.deadLetters(1, { path: '/ok' });
  const open = await system.accept();
  expect(await system.json(['purge', '--all', '--yes'])).toMatchObject({ value: { purged: 2 } });
  expect(await system.access.jobs.read(open)).toMatchObject({ state: 'queued' });
});

test.each([
  ['without --yes', [], 2],
  ['with --dry-run', ['--dry-run', '--yes'], 0],
])('a purge states what it would delete and changes nothing %s', async (_case, options, code) => {
  const { system } = fixture;
  await system.deadLetters(2, { path: '/dead' });
  const before = await system.dump();
  expect(await system.json(['purge', '--all', ...options])).toEqual({
    code,
    value: {
      would: { purge: 2, groups: [{ queue: 'q', state: 'completed', dead: true, jobs: 2 }] },
      done: false,
    },
  });
  expect((await system.admin(['purge', '--all', ...options])).stdout).toMatch(
    /^q {6}completed \(dead\) {5}2$/m,
  );
  expect(await system.dump()).toEqual(before);
});

test('a purge with --force first cancels open jobs, queued and running', async () => {
  const { system } = fixture;
  const latch = new Latch();
  fixture.upstream.script('/running', heldBy(latch, reply()));
  const running = await system.accept({ path: '/running', settings: { concurrency: 1 } });
  system.startWorker();
  await fixture.upstream.called('/running');
  const waiting = await system.accept({ settings: { concurrency: 1 } });
  expect(await system.json(['purge', '--state', 'queued,running', '--force', '--yes'])).toMatchObject({
    code: 0,
    value: { purged: 2, still_open: 0 },
  });
  latch.open();
  for (const id of [running, waiting]) {
    expect(await system.access.jobs.read(id)).toBeUndefined();
    expect(fixture.upstream.callsOf(id)).toHaveLength(id === running ? 1 : 0);
  }
});

test('a repeated purge removes the dead letter entries whose record an interrupted purge has deleted', async () => {
  const { system } = fixture;
  const [id = ''] = await system.deadLetters(1, { path: '/dead' });
  expect(await system.access.jobs.purge(id)).toMatchObject({ kind: 'purged' });
  expect(await system.json(['purge', '--queue', 'q', '--yes'])).toMatchObject({ value: { purged: 0 } });
  expect(await system.client.zcard(system.keys.deadLetters('q'))).toBe(0);
});

test('a purge keeps open jobs, newer records and tombstones', async () => {
  const { system } = fixture;
  const open = await system.accept();
  expect(await system.access.jobs.purge(open)).toEqual({ kind: 'open', state: 'queued' });
  const [newer = ''] = await system.deadLetters(1, { path: '/dead', queue: 'other' });
  await system.client.hset(system.keys.record(newer), 'v', 99);
  expect(await system.json(['purge', '--queue', 'other', '--yes'])).toMatchObject({
    code: 1,
    value: { newer: 1 },
  });
  const given = newJobId();
  await system.access.jobs.rollBack(given);
  expect(await system.access.jobs.purge(given)).toEqual({ kind: 'missing' });
});

test.each([
  ['no filter', []],
  ['a filter and --all', ['--all', '--queue', 'q']],
  ['open states without --force', ['--state', 'queued']],
  ['an age that is no duration', ['--older-than', 'yesterday']],
])('a purge exits 2 for %s', async (_case, options) => {
  expect((await fixture.system.admin(['purge', ...options, '--yes'])).code).toBe(2);
});
