// `queues`, `jobs`, `show`, `cancel`, `pause` and `resume`, in both forms of output.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { openJobsKey, recordKey } from '../../plugins/async-request-reply/redis/keys';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useAdminLab } from './admin-kit/use-admin-lab';

const stage = useAdminLab();

/** Nothing of a request but method and path may be told. */
const SECRETS = /secret/;

describe('queues', () => {
  it('counts the jobs of each queue', async () => {
    const { lab } = stage;
    stage.upstream.script('/q-dead', reply({ status: 503 }));
    await lab.deadLetters(2, { path: '/q-dead' });
    await lab.accept();
    await lab.accept({ queue: 'other', settings: { rateMax: 5, ratePerMs: 1000, breakerFailures: 3 } });
    const { code, value } = await lab.json(['queues']);
    expect(code).toBe(0);
    expect(value).toEqual({
      queues: [
        {
          queue: 'other',
          open: 1,
          waiting: 1,
          active: 0,
          delayed: 0,
          dead: 0,
          stored_bytes: 11,
          paused: false,
          breaker: 'closed',
          served: false,
          concurrency: 4,
          rate: '5 per 1 s',
        },
        {
          queue: 'q',
          open: 1,
          waiting: 1,
          active: 0,
          delayed: 0,
          dead: 2,
          stored_bytes: 33,
          paused: false,
          breaker: 'off',
          served: expect.any(Boolean) as boolean,
          concurrency: 4,
        },
      ],
    });
  });

  it('prints aligned columns and no colour where nobody looks', async () => {
    await stage.lab.accept({ queue: 'a-longer-name' });
    const { stdout } = await stage.lab.admin(['queues']);
    const [head = '', row = ''] = stdout.split('\n');
    expect(head).toMatch(/^QUEUE {10}OPEN {2}WAITING/);
    expect(row).toMatch(/^a-longer-name {5}1 {8}1 /);
    expect(stdout).not.toContain('\u001b');
  });

  it('has nothing to list where nothing has been announced', async () => {
    expect(await stage.lab.admin(['queues'])).toMatchObject({
      code: 0,
      stdout: 'No queue is registered.\n',
    });
  });
});

describe('jobs', () => {
  it('lists the newest first and says that there are more', async () => {
    const { lab } = stage;
    const ids: string[] = [];
    for (let age = 5; age > 0; age -= 1) {
      ids.unshift(await lab.accept({ id: newJobId(Date.now() - age * 1000) }));
    }
    const { value } = await lab.json(['jobs', '--limit', '2']);
    expect(value).toMatchObject({ jobs: ids.slice(0, 2).map((id) => ({ id })), more: true });
    expect(await lab.json(['jobs'])).toMatchObject({
      value: { jobs: ids.map((id) => ({ id })), more: false },
    });
  });

  it.each([
    ['--queue', 'other', 'other'],
    ['--state', 'queued', 'queued'],
    ['--state', 'dead', 'dead'],
    ['--state', 'completed,cancelled', 'settled'],
    ['--owner', 'consumer:bob', 'other'],
    ['--owner', 'nobody', 'nobody'],
  ])('filters by %s %s', async (option, value, expected) => {
    const { lab } = stage;
    stage.upstream.script('/filter-dead', reply({ status: 503 }));
    const dead = await lab.deadLetters(1, { path: '/filter-dead' });
    const done = await lab.deadLetters(1, { path: '/ok' });
    const nobody = await lab.accept({ owner: '' });
    const other = await lab.accept({ queue: 'other', owner: 'consumer:bob' });
    const groups: Record<string, string[]> = {
      other: [other],
      nobody: [nobody],
      dead,
      settled: [...dead, ...done],
      queued: [nobody, other],
    };
    const listed = await lab.json(['jobs', option, value, '--full-ids']);
    const { jobs } = listed.value as { jobs: { id: string }[] };
    expect(jobs.map(({ id }) => id).sort()).toEqual([...(groups[expected] ?? [])].sort());
  });

  it('shows the first 18 characters of the IDs of jobs without an owner, the rest on demand', async () => {
    const { lab } = stage;
    const anonymous = await lab.accept({ owner: '' });
    const owned = await lab.accept();
    for (const form of [[], ['--json']]) {
      const { stdout } = await lab.admin(['jobs', ...form]);
      expect(stdout).toContain(anonymous.slice(0, 18));
      expect(stdout).not.toContain(anonymous.slice(0, 19));
      expect(stdout).toContain(owned);
      expect((await lab.admin(['jobs', '--full-ids', ...form])).stdout).toContain(anonymous);
    }
  });

  it.each([
    ['a state that there is not', ['--state', 'sleeping']],
    ['an owner of no kind', ['--owner', 'alice']],
    ['a limit of nothing', ['--limit', '0']],
    ['an option that there is not', ['--colour']],
  ])('exits 2 for %s', async (_case, options) => {
    const { code, stdout, stderr } = await stage.lab.admin(['jobs', ...options]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toBe('');
  });
});

describe('show', () => {
  it('gives record, times, error and sizes, and nothing of the request but method and path', async () => {
    const { lab } = stage;
    stage.upstream.script('/shown', reply({ status: 503, body: 'secret answer' }));
    const [id = ''] = await lab.deadLetters(1, { path: '/shown' });
    const { code, value } = await lab.json(['show', id]);
    expect(code).toBe(0);
    expect(value).toMatchObject({
      id,
      queue: 'q',
      state: 'completed',
      dead: true,
      attempts: 1,
      upstream_status: 503,
      request: { method: 'POST', path: '/shown', body_bytes: 11 },
      response_body_bytes: 13,
      lists: { waiting: false, open: false, dead: true },
      scheduler: 'unknown',
      created_at: expect.stringMatching(/Z$/) as string,
    });
    expect(JSON.stringify(value)).not.toMatch(SECRETS);
    const { stdout } = await lab.admin(['show', id]);
    expect(stdout).toMatch(/^request\.path +\/shown$/m);
    expect(stdout).not.toMatch(SECRETS);
  });

  it('finds a job by the 18 characters that logs show, where only one begins so', async () => {
    const { lab } = stage;
    const id = await lab.accept({ owner: '' });
    const { code, value } = await lab.json(['show', id.slice(0, 18), '--full-ids']);
    expect([code, value]).toEqual([0, expect.objectContaining({ id })]);
    const twin = id.slice(0, 35) + (id.endsWith('0') ? '1' : '0');
    await lab.accept({ id: twin, owner: '' });
    expect((await lab.admin(['show', id.slice(0, 18)])).code).toBe(2);
  });

  it.each([
    ['an unknown ID', () => newJobId(), 3],
    ['an unknown beginning', () => newJobId().slice(0, 18), 3],
    ['what is no ID', () => 'report-7', 2],
  ])('exits for %s', async (_case, id, code) => {
    expect((await stage.lab.admin(['show', id()])).code).toBe(code);
  });

  it('takes the tombstone of a submit that was given up for no job', async () => {
    const id = newJobId();
    await stage.lab.access.jobs.rollBack(id);
    expect((await stage.lab.admin(['show', id])).code).toBe(3);
  });
});

describe('cancel', () => {
  it('ends a waiting job at once and takes it out of its queue', async () => {
    const { lab } = stage;
    const id = await lab.accept();
    expect(await lab.json(['cancel', id, '--yes'])).toEqual({ code: 0, value: { id, outcome: 'cancelled' } });
    expect(await lab.access.jobs.read(id)).toMatchObject({ state: 'cancelled' });
    expect(await lab.client.zcard(openJobsKey(lab.prefix, 'q'))).toBe(0);
    expect(await lab.json(['cancel', id, '--yes'])).toMatchObject({ code: 1 });
  });

  it('aborts the call of a running job', async () => {
    const { lab } = stage;
    const latch = new Latch();
    stage.upstream.script('/held', heldBy(latch, reply()));
    const id = await lab.accept({ path: '/held' });
    lab.startWorker();
    await stage.upstream.called('/held');
    expect(await lab.json(['cancel', id, '--yes'])).toMatchObject({
      code: 0,
      value: { outcome: 'cancelling' },
    });
    expect(await lab.settled(id)).toMatchObject({ state: 'cancelled' });
    await until('the upstream to see it', () => stage.upstream.callsOf(id)[0]?.wasAbandoned);
    latch.open();
  });

  it.each([
    ['without --yes', [], 2],
    ['with --dry-run', ['--dry-run', '--yes'], 0],
  ])('changes nothing %s', async (_case, options, code) => {
    const { lab } = stage;
    const id = await lab.accept();
    const before = await lab.dump();
    expect(await lab.json(['cancel', id, ...options])).toMatchObject({ code, value: { done: false } });
    expect(await lab.dump()).toEqual(before);
  });

  it('exits 3 for an unknown job', async () => {
    expect((await stage.lab.admin(['cancel', newJobId(), '--yes'])).code).toBe(3);
  });
});

describe('pause and resume', () => {
  it('hold the jobs of one queue back and let them go', async () => {
    const { lab } = stage;
    const held = await lab.accept({ queue: 'paused' });
    const free = await lab.accept();
    expect(await lab.json(['pause', 'paused'])).toEqual({
      code: 0,
      value: { queue: 'paused', paused: true },
    });
    lab.startWorker();
    await lab.left(free);
    expect(await lab.access.jobs.read(held)).toMatchObject({ state: 'queued' });
    expect((await lab.admin(['queues'])).stdout).toMatch(/^paused .* yes /m);
    expect((await lab.admin(['resume', 'paused'])).code).toBe(0);
    expect(await lab.left(held, 'paused')).toMatchObject({ state: 'completed' });
  });

  it.each(['pause', 'resume'])(
    '%s exits 3 for a queue that is not known, and makes none',
    async (command) => {
      expect((await stage.lab.admin([command, 'nowhere'])).code).toBe(3);
      expect(await stage.lab.dump()).toEqual({});
    },
  );
});

describe('the command', () => {
  it('exits 1 where Redis does not answer, and names no password', async () => {
    const env = { ARR_REDIS_PORT: '1', ARR_REDIS_PASSWORD: 'secret-password' };
    const { code, stderr } = await stage.lab.admin(['queues'], env);
    expect([code, stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
    expect(stderr).not.toMatch(SECRETS);
  });

  it('takes Redis from its options before the environment', async () => {
    const { lab, server } = stage;
    await lab.accept();
    const options = [
      '--redis-host',
      server.host,
      '--redis-port',
      String(server.port),
      '--key-prefix',
      lab.prefix,
    ];
    const { stdout } = await lab.admin(['queues', ...options], {
      ARR_REDIS_PORT: '1',
      ARR_KEY_PREFIX: 'other',
    });
    expect(stdout).toMatch(/^q /m);
  });

  it.each([[[]], [['sleep']], [['show']], [['redrive']], [['purge']], [['queues', '--redis-port', 'x']]])(
    'exits 2 for %j',
    async (args) => {
      expect((await stage.lab.admin(args)).code).toBe(2);
    },
  );

  it('prints no control characters of a stored method', async () => {
    const { lab } = stage;
    const id = await lab.accept();
    await lab.client.hset(recordKey(lab.prefix, id), 'method', 'GET\u001b[2J');
    expect((await lab.admin(['jobs'])).stdout).toContain('GET?[2J');
  });
});
