// `queues`, `jobs`, `show`, `cancel`, `pause` and `resume`, in both forms of output.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useAdminFixture } from './admin-fixture/use-admin-fixture';

const fixture = useAdminFixture();

/** Only the method and the path of a request may be shown. */
const SECRETS = /secret/;

describe('queues', () => {
  test('counts the jobs of each queue', async () => {
    const { system } = fixture;
    fixture.upstream.script('/q-dead', reply({ status: 503 }));
    await system.deadLetters(2, { path: '/q-dead' });
    await system.accept();
    await system.accept({ queue: 'other', settings: { rateMax: 5, ratePerMs: 1000, breakerFailures: 3 } });
    const { code, value } = await system.json(['queues']);
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

  test('prints aligned columns, without colour if the output is no terminal', async () => {
    await fixture.system.accept({ queue: 'a-longer-name' });
    const { stdout } = await fixture.system.admin(['queues']);
    const [head = '', row = ''] = stdout.split('\n');
    expect(head).toMatch(/^QUEUE {10}OPEN {2}WAITING/);
    expect(row).toMatch(/^a-longer-name {5}1 {8}1 /);
    expect(stdout).not.toContain('\u001b');
  });

  test('lists nothing if no queue is registered', async () => {
    expect(await fixture.system.admin(['queues'])).toMatchObject({
      code: 0,
      stdout: 'No queue is registered.\n',
    });
  });
});

describe('jobs', () => {
  test('lists the newest first and says that there are more', async () => {
    const { system } = fixture;
    const ids: string[] = [];
    for (let age = 5; age > 0; age -= 1) {
      ids.unshift(await system.accept({ id: newJobId(Date.now() - age * 1000) }));
    }
    const { value } = await system.json(['jobs', '--limit', '2']);
    expect(value).toMatchObject({ jobs: ids.slice(0, 2).map((id) => ({ id })), more: true });
    expect(await system.json(['jobs'])).toMatchObject({
      value: { jobs: ids.map((id) => ({ id })), more: false },
    });
  });

  test.each([
    ['--queue', 'other', 'other'],
    ['--state', 'queued', 'queued'],
    ['--state', 'dead', 'dead'],
    ['--state', 'completed,cancelled', 'settled'],
    ['--owner', 'consumer:bob', 'other'],
    ['--owner', 'nobody', 'nobody'],
  ])('filters by %s %s', async (option, value, expected) => {
    const { system } = fixture;
    fixture.upstream.script('/filter-dead', reply({ status: 503 }));
    const dead = await system.deadLetters(1, { path: '/filter-dead' });
    const done = await system.deadLetters(1, { path: '/ok' });
    const nobody = await system.accept({ owner: '' });
    const other = await system.accept({ queue: 'other', owner: 'consumer:bob' });
    const groups: Record<string, string[]> = {
      other: [other],
      nobody: [nobody],
      dead,
      settled: [...dead, ...done],
      queued: [nobody, other],
    };
    const listed = await system.json(['jobs', option, value, '--full-ids']);
    const { jobs } = listed.value as { jobs: { id: string }[] };
    expect(jobs.map(({ id }) => id).sort()).toEqual([...(groups[expected] ?? [])].sort());
  });

  test('shortens the IDs of jobs without an owner to 18 characters, unless --full-ids is given', async () => {
    const { system } = fixture;
    const anonymous = await system.accept({ owner: '' });
    const owned = await system.accept();
    for (const form of [[], ['--json']]) {
      const { stdout } = await system.admin(['jobs', ...form]);
      expect(stdout).toContain(anonymous.slice(0, 18));
      expect(stdout).not.toContain(anonymous.slice(0, 19));
      expect(stdout).toContain(owned);
      expect((await system.admin(['jobs', '--full-ids', ...form])).stdout).toContain(anonymous);
    }
  });

  test.each([
    ['a state that there is not', ['--state', 'sleeping']],
    ['an owner of no kind', ['--owner', 'alice']],
    ['a limit of nothing', ['--limit', '0']],
    ['an option that there is not', ['--colour']],
  ])('exits 2 for %s', async (_case, options) => {
    const { code, stdout, stderr } = await fixture.system.admin(['jobs', ...options]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toBe('');
  });
});

describe('show', () => {
  test('shows record, times, error and sizes, and only method and path of the request', async () => {
    const { system } = fixture;
    fixture.upstream.script('/shown', reply({ status: 503, body: 'secret answer' }));
    const [id = ''] = await system.deadLetters(1, { path: '/shown' });
    const { code, value } = await system.json(['show', id]);
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
    const { stdout } = await system.admin(['show', id]);
    expect(stdout).toMatch(/^request\.path +\/shown$/m);
    expect(stdout).not.toMatch(SECRETS);
  });

  test('finds a job by the 18 characters that logs contain if they are unique', async () => {
    const { system } = fixture;
    const id = await system.accept({ owner: '' });
    const { code, value } = await system.json(['show', id.slice(0, 18), '--full-ids']);
    expect([code, value]).toEqual([0, expect.objectContaining({ id })]);
    const twin = id.slice(0, 35) + (id.endsWith('0') ? '1' : '0');
    await system.accept({ id: twin, owner: '' });
    expect((await system.admin(['show', id.slice(0, 18)])).code).toBe(2);
  });

  test.each([
    ['an unknown ID', () => newJobId(), 3],
    ['an unknown beginning', () => newJobId().slice(0, 18), 3],
    ['what is no ID', () => 'report-7', 2],
  ])('exits for %s', async (_case, id, code) => {
    expect((await fixture.system.admin(['show', id()])).code).toBe(code);
  });

  test('reports no job for the tombstone of a rolled back submit', async () => {
    const id = newJobId();
    await fixture.system.access.jobs.rollBack(id);
    expect((await fixture.system.admin(['show', id])).code).toBe(3);
  });
});

describe('cancel', () => {
  test('ends a waiting job at once and takes it out of its queue', async () => {
    const { system } = fixture;
    const id = await system.accept();
    expect(await system.json(['cancel', id, '--yes'])).toEqual({
      code: 0,
      value: { id, outcome: 'cancelled' },
    });
    expect(await system.access.jobs.read(id)).toMatchObject({ state: 'cancelled' });
    expect(await system.client.zcard(system.keys.openJobs('q'))).toBe(0);
    expect(await system.json(['cancel', id, '--yes'])).toMatchObject({ code: 1 });
  });

  test('aborts the call of a running job', async () => {
    const { system } = fixture;
    const latch = new Latch();
    fixture.upstream.script('/held', heldBy(latch, reply()));
    const id = await system.accept({ path: '/held' });
    system.startWorker();
    await fixture.upstream.called('/held');
    expect(await system.json(['cancel', id, '--yes'])).toMatchObject({
      code: 0,
      value: { outcome: 'cancelling' },
    });
    expect(await system.settled(id)).toMatchObject({ state: 'cancelled' });
    await until('the upstream to see it', () => fixture.upstream.callsOf(id)[0]?.wasAbandoned);
    latch.open();
  });

  test.each([
    ['without --yes', [], 2],
    ['with --dry-run', ['--dry-run', '--yes'], 0],
  ])('changes nothing %s', async (_case, options, code) => {
    const { system } = fixture;
    const id = await system.accept();
    const before = await system.dump();
    expect(await system.json(['cancel', id, ...options])).toMatchObject({ code, value: { done: false } });
    expect(await system.dump()).toEqual(before);
  });

  test('exits 3 for an unknown job', async () => {
    expect((await fixture.system.admin(['cancel', newJobId(), '--yes'])).code).toBe(3);
  });
});

describe('pause and resume', () => {
  test('stop and restart one queue', async () => {
    const { system } = fixture;
    const held = await system.accept({ queue: 'paused' });
    const free = await system.accept();
    expect(await system.json(['pause', 'paused'])).toEqual({
      code: 0,
      value: { queue: 'paused', paused: true },
    });
    system.startWorker();
    await system.left(free);
    expect(await system.access.jobs.read(held)).toMatchObject({ state: 'queued' });
    expect((await system.admin(['queues'])).stdout).toMatch(/^paused .* yes /m);
    expect((await system.admin(['resume', 'paused'])).code).toBe(0);
    expect(await system.left(held, 'paused')).toMatchObject({ state: 'completed' });
  });

  test.each(['pause', 'resume'])('%s exits 3 for an unknown queue, and creates none', async (command) => {
    expect((await fixture.system.admin([command, 'nowhere'])).code).toBe(3);
    expect(await fixture.system.dump()).toEqual({});
  });
});

describe('the command', () => {
  test('exits 1 if Redis does not respond, without printing the password', async () => {
    const env = { ARR_REDIS_PORT: '1', ARR_REDIS_PASSWORD: 'secret-password' };
    const { code, stderr } = await fixture.system.admin(['queues'], env);
    expect([code, stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
    expect(stderr).not.toMatch(SECRETS);
  });

  test('prefers its options to the environment', async () => {
    const { system, server } = fixture;
    await system.accept();
    const options = [
      '--redis-host',
      server.host,
      '--redis-port',
      String(server.port),
      '--key-prefix',
      system.prefix,
    ];
    const { stdout } = await system.admin(['queues', ...options], {
      ARR_REDIS_PORT: '1',
      ARR_KEY_PREFIX: 'other',
    });
    expect(stdout).toMatch(/^q /m);
  });

  test.each([[[]], [['sleep']], [['show']], [['redrive']], [['purge']], [['queues', '--redis-port', 'x']]])(
    'exits 2 for %j',
    async (args) => {
      expect((await fixture.system.admin(args)).code).toBe(2);
    },
  );

  test('prints no control characters of a stored method', async () => {
    const { system } = fixture;
    const id = await system.accept();
    await system.client.hset(system.keys.record(id), 'method', 'GET\u001b[2J');
    expect((await system.admin(['jobs'])).stdout).toContain('GET?[2J');
  });
});
