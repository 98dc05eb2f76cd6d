// `purge`: what has settled goes with every trace of it; what is open stays, unless it is cancelled by force.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { deadLettersKey, recordKey, responseKey } from '../../plugins/async-request-reply/redis/keys';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useAdminLab } from './admin-kit/use-admin-lab';

const stage = useAdminLab();

beforeEach(() => stage.upstream.script('/dead', reply({ status: 503 })));

const remains = async (id: string): Promise<string[]> =>
  (await stage.server.keys()).filter((key) => key.includes(id));

it('removes record, request, responses and list entries of dead letters', async () => {
  const { lab } = stage;
  const [id = ''] = await lab.deadLetters(1, { path: '/dead' });
  // An attempt that lost its lease leaves a response behind that no record names.
  await lab.client.hset(responseKey(lab.prefix, id, '1.1'), 'head', 'x');
  expect(await lab.json(['purge', '--state', 'dead', '--yes'])).toEqual({
    code: 0,
    value: { done: true, purged: 1, still_open: 0, newer: 0 },
  });
  expect(await remains(id)).toEqual([]);
  expect(await lab.client.zcard(deadLettersKey(lab.prefix, 'q'))).toBe(0);
});

it('by owner leaves the jobs of others', async () => {
  const { lab } = stage;
  const alice = await lab.deadLetters(2, { path: '/dead', owner: 'consumer:alice' });
  const bob = await lab.deadLetters(2, { path: '/dead', owner: 'consumer:bob' });
  expect(await lab.json(['purge', '--owner', 'consumer:alice', '--yes'])).toMatchObject({
    value: { purged: 2 },
  });
  for (const id of alice) expect(await lab.access.jobs.read(id)).toBeUndefined();
  for (const id of bob) expect(await lab.access.jobs.isDead(id)).toBe(true);
  expect(await lab.client.zcard(deadLettersKey(lab.prefix, 'q'))).toBe(2);
});

it('by queue leaves other queues', async () => {
  const { lab } = stage;
  await lab.deadLetters(1, { path: '/dead' });
  const [other = ''] = await lab.deadLetters(1, { path: '/dead', queue: 'other' });
  const { stdout } = await lab.admin(['purge', '--queue', 'q', '--yes']);
  expect(stdout).toBe('1 job was purged.\n');
  expect(await lab.access.jobs.isDead(other)).toBe(true);
});

it('by age leaves the younger', async () => {
  const { lab } = stage;
  const [old = '', young = ''] = await lab.deadLetters(2, { path: '/dead' });
  await lab.client.hset(recordKey(lab.prefix, old), 'settled_at', Date.now() - 7_200_000);
  expect(await lab.json(['purge', '--older-than', '1h', '--yes'])).toMatchObject({ value: { purged: 1 } });
  expect(await lab.access.jobs.read(old)).toBeUndefined();
  expect(await lab.access.jobs.isDead(young)).toBe(true);
});

it('takes every settled job with --all, and no open one', async () => {
  const { lab } = stage;
  await lab.deadLetters(1, { path: '/dead' });
  await lab.deadLetters(1, { path: '/ok' });
  const open = await lab.accept();
  expect(await lab.json(['purge', '--all', '--yes'])).toMatchObject({ value: { purged: 2 } });
  expect(await lab.access.jobs.read(open)).toMatchObject({ state: 'queued' });
});

it.each([
  ['without --yes', [], 2],
  ['with --dry-run', ['--dry-run', '--yes'], 0],
])('says what it would purge and changes nothing %s', async (_case, options, code) => {
  const { lab } = stage;
  await lab.deadLetters(2, { path: '/dead' });
  const before = await lab.dump();
  expect(await lab.json(['purge', '--all', ...options])).toEqual({
    code,
    value: {
      would: { purge: 2, groups: [{ queue: 'q', state: 'completed', dead: true, jobs: 2 }] },
      done: false,
    },
  });
  expect((await lab.admin(['purge', '--all', ...options])).stdout).toMatch(/^q {6}completed \(dead\) {5}2$/m);
  expect(await lab.dump()).toEqual(before);
});

it('cancels open jobs first where it is forced: waiting ones and running ones', async () => {
  const { lab } = stage;
  const latch = new Latch();
  stage.upstream.script('/running', heldBy(latch, reply()));
  const running = await lab.accept({ path: '/running', settings: { concurrency: 1 } });
  lab.startWorker();
  await stage.upstream.called('/running');
  const waiting = await lab.accept({ settings: { concurrency: 1 } });
  expect(await lab.json(['purge', '--state', 'queued,running', '--force', '--yes'])).toMatchObject({
    code: 0,
    value: { purged: 2, still_open: 0 },
  });
  latch.open();
  for (const id of [running, waiting]) {
    expect(await lab.access.jobs.read(id)).toBeUndefined();
    expect(stage.upstream.callsOf(id)).toHaveLength(id === running ? 1 : 0);
  }
});

it('takes entries of dead letters off their list whose record a purge had removed before it was cut off', async () => {
  const { lab } = stage;
  const [id = ''] = await lab.deadLetters(1, { path: '/dead' });
  expect(await lab.access.jobs.purge(id)).toMatchObject({ kind: 'purged' });
  expect(await lab.json(['purge', '--queue', 'q', '--yes'])).toMatchObject({ value: { purged: 0 } });
  expect(await lab.client.zcard(deadLettersKey(lab.prefix, 'q'))).toBe(0);
});

it('leaves open jobs, newer records and tombstones to whom they belong', async () => {
  const { lab } = stage;
  const open = await lab.accept();
  expect(await lab.access.jobs.purge(open)).toEqual({ kind: 'open', state: 'queued' });
  const [newer = ''] = await lab.deadLetters(1, { path: '/dead', queue: 'other' });
  await lab.client.hset(recordKey(lab.prefix, newer), 'v', 99);
  expect(await lab.json(['purge', '--queue', 'other', '--yes'])).toMatchObject({
    code: 1,
    value: { newer: 1 },
  });
  const given = newJobId();
  await lab.access.jobs.rollBack(given);
  expect(await lab.access.jobs.purge(given)).toEqual({ kind: 'missing' });
});

it.each([
  ['no filter', []],
  ['a filter and --all', ['--all', '--queue', 'q']],
  ['open states without --force', ['--state', 'queued']],
  ['an age that is no duration', ['--older-than', 'yesterday']],
])('exits 2 for %s', async (_case, options) => {
  expect((await stage.lab.admin(['purge', ...options, '--yes'])).code).toBe(2);
});
