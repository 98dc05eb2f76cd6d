// `redrive`: a dead letter runs again, once, wherever the command was cut off.
import { redriveJob } from '../../plugins/async-request-reply/queue/redrive-job';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useAdminFixture } from './admin-fixture/use-admin-fixture';

const fixture = useAdminFixture();

/** Dead letters of a path that has recovered since. */
async function deadLetters(count: number, path: string, queue = 'q'): Promise<string[]> {
  fixture.upstream.script(path, reply({ status: 503 }));
  const ids = await fixture.system.deadLetters(count, { path, queue });
  fixture.upstream.script(path, reply({ body: 'recovered' }));
  return ids;
}

async function oneDeadLetter(path: string): Promise<string> {
  const [id = ''] = await deadLetters(1, path);
  return id;
}

async function runsOnceMore(id: string): Promise<void> {
  fixture.system.startWorker();
  const record = await until('the new run to settle', async () => {
    const job = await fixture.system.access.jobs.read(id);
    return job?.upstreamStatus === 200 && job.state === 'completed' ? job : undefined;
  });
  expect(record.attempts).toBe(1);
  await until('it to be off all lists', async () => {
    const { open, dead } = await fixture.system.index.membership('q', id);
    return !open && !dead;
  });
  expect(fixture.upstream.callsOf(id)).toHaveLength(2);
}

describe('redrive of one job', () => {
  test('queues it with the same ID and no attempts, and it runs once', async () => {
    const { system } = fixture;
    const id = await oneDeadLetter('/redrive-one');
    expect(await system.json(['redrive', id, '--yes'])).toEqual({
      code: 0,
      value: { id, outcome: 'redriven' },
    });
    expect(await system.access.jobs.read(id)).toMatchObject({ state: 'queued', attempts: 0 });
    expect(await system.index.membership('q', id)).toEqual({ waiting: true, open: true, dead: false });
    expect(await system.client.zcard(system.keys.deadLetters('q'))).toBe(0);
    await runsOnceMore(id);
  });

  test('prints a sentence about the redrive', async () => {
    const id = await oneDeadLetter('/redrive-words');
    const { code, stdout } = await fixture.system.admin(['redrive', id, '--yes']);
    expect([code, stdout]).toEqual([0, `Job ${id} is queued again.\n`]);
  });

  test('states the last response before the redrive', async () => {
    const id = await oneDeadLetter('/redrive-last');
    const { code, stdout } = await fixture.system.admin(['redrive', id, '--dry-run']);
    expect([code, stdout]).toEqual([0, `Would redrive job ${id} (last response: 503).\n`]);
  });

  test('states the error before the redrive', async () => {
    fixture.upstream.script('/redrive-hung-up', ({ socket }) => {
      socket.destroy();
    });
    const [id = ''] = await fixture.system.deadLetters(1, { path: '/redrive-hung-up' });
    const { code, stdout } = await fixture.system.admin(['redrive', id, '--dry-run']);
    expect([code, stdout]).toEqual([0, `Would redrive job ${id} (failed: upstream-failed).\n`]);
  });

  test.each([
    ['without --yes', [], 2],
    ['with --dry-run', ['--dry-run'], 0],
    ['with both --dry-run and --yes', ['--dry-run', '--yes'], 0],
  ])('changes nothing %s', async (_case, options, code) => {
    const id = await oneDeadLetter('/redrive-nothing');
    const before = await fixture.system.dump();
    expect(await fixture.system.json(['redrive', id, ...options])).toEqual({
      code,
      value: { would: { id, state: 'completed', upstream_status: 503 }, done: false },
    });
    expect(await fixture.system.dump()).toEqual(before);
  });

  test('fails for a job that is no dead letter', async () => {
    const id = await fixture.system.accept();
    expect(await fixture.system.json(['redrive', id, '--yes'])).toEqual({
      code: 1,
      value: { id, outcome: 'not-dead' },
    });
  });

  test('does not redrive a dead letter whose settings have expired', async () => {
    const { system } = fixture;
    const id = await oneDeadLetter('/redrive-settings');
    const hash = (await system.access.jobs.read(id))?.settingsHash ?? '';
    await system.client.del(system.keys.settings(hash));
    expect(await system.json(['redrive', id, '--yes'])).toMatchObject({
      code: 1,
      value: { outcome: 'settings-gone' },
    });
    expect(await system.access.jobs.isDead(id)).toBe(true);
  });

  test('extends the TTL of settings and queue to the whole of the new run', async () => {
    const { system } = fixture;
    const id = await oneDeadLetter('/redrive-life');
    const key = system.keys.settings((await system.access.jobs.read(id))?.settingsHash ?? '');
    await system.client.pexpire(key, 60_000);
    await system.admin(['redrive', id, '--yes']);
    expect(await system.client.pttl(key)).toBeGreaterThan(10_000_000);
  });
});

describe('a redrive', () => {
  /** The command in this process, ended after one of its writes. */
  async function redriveCutAfter(
    step: 'reserve' | 'reopen' | 'redrive' | 'addJob',
    id: string,
  ): Promise<void> {
    const { system } = fixture;
    const cut = <T extends object>(part: T): T =>
      new Proxy(part, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]): Promise<unknown> => {
            const result: unknown = await Reflect.apply(member, target, args);
            if (name === step) throw new Error(`cut off after ${step}`);
            return result;
          };
        },
      });
    const scheduler = openScheduler(system.client, system.keys, 'q', true);
    const context = {
      redis: system.client,
      keys: system.keys,
      scheduler: () => scheduler,
      jobs: cut(system.access.jobs),
      index: cut(system.index),
    };
    await expect(redriveJob(context, id)).rejects.toThrow(`cut off after ${step}`);
    await scheduler.close();
  }

  test.each(['reserve', 'reopen'] as const)(
    'that is interrupted after %s leaves a dead letter that can be redriven',
    async (step) => {
      const { system } = fixture;
      const id = await oneDeadLetter('/cut-early');
      await redriveCutAfter(step, id);
      expect(await system.access.jobs.isDead(id)).toBe(true);
      expect(await system.json(['redrive', id, '--yes'])).toMatchObject({ value: { outcome: 'redriven' } });
      await runsOnceMore(id);
    },
  );

  test.each(['redrive', 'addJob'] as const)(
    'that is interrupted after %s is completed by the sweeper',
    async (step) => {
      const { system } = fixture;
      const id = await oneDeadLetter('/cut-late');
      await redriveCutAfter(step, id);
      system.startWorker();
      await until('the job to run', () => fixture.upstream.callsOf(id).length === 2);
      expect(await system.left(id)).toMatchObject({ state: 'completed', upstreamStatus: 200, attempts: 1 });
      expect(fixture.upstream.callsOf(id)).toHaveLength(2);
    },
  );

  test('is completed by repeating it, even if the job is in no list', async () => {
    const { system } = fixture;
    const id = await oneDeadLetter('/cut-lost');
    expect(await system.access.jobs.redrive(id)).toMatchObject({ kind: 'redriven' });
    expect(await system.index.membership('q', id)).toMatchObject({ open: false });
    expect(await system.json(['redrive', id, '--yes'])).toEqual({
      code: 0,
      value: { id, outcome: 'resumed' },
    });
    await runsOnceMore(id);
  });

  test('survives a late removal by the previous run', async () => {
    const { system } = fixture;
    const id = await oneDeadLetter('/late-leave');
    const record = await system.access.jobs.read(id);
    await system.admin(['redrive', id, '--yes']);
    await system.index.removeJob('q', id, {
      owner: record?.owner ?? '',
      dead: true,
      expiresAt: record?.expiresAt ?? 0,
    });
    expect(await system.index.membership('q', id)).toEqual({ waiting: true, open: true, dead: false });
    await runsOnceMore(id);
  });
});

describe('redrive of a queue', () => {
  test('runs all of its dead letters again and leaves other queues alone', async () => {
    const { system } = fixture;
    const ids = await deadLetters(5, '/redrive-queue');
    const others = await deadLetters(2, '/redrive-other', 'other');
    expect(await system.json(['redrive', '--queue', 'q', '--yes'])).toEqual({
      code: 0,
      value: { queue: 'q', redriven: 5, skipped: 0, settings_gone: 0, newer: 0 },
    });
    expect(await system.client.zcard(system.keys.openJobs('q'))).toBe(5);
    for (const id of ids) {
      await runsOnceMore(id);
    }
    expect(others.map((id) => fixture.upstream.callsOf(id).length)).toEqual([1, 1]);
    expect(await system.json(['redrive', '--queue', 'q', '--yes'])).toMatchObject({
      code: 0,
      value: { redriven: 0 },
    });
  });

  test('states how many jobs it would redrive, and redrives none', async () => {
    const { system } = fixture;
    await deadLetters(3, '/redrive-dry');
    const before = await system.dump();
    const { code, stdout } = await system.admin(['redrive', '--queue', 'q', '--dry-run']);
    expect([code, stdout]).toEqual([0, 'Would redrive 3 dead letters of queue q.\n']);
    expect(await system.dump()).toEqual(before);
  });

  test('counts a single one in the singular', async () => {
    const { system } = fixture;
    await oneDeadLetter('/redrive-single');
    expect((await system.admin(['redrive', '--queue', 'q'])).stdout).toMatch(
      /^Would redrive 1 dead letter of queue q\.$/m,
    );
    expect((await system.admin(['redrive', '--queue', 'q', '--yes'])).stdout).toBe(
      '1 dead letter of queue q is queued again.\n',
    );
  });

  test('exits 3 for an unknown queue', async () => {
    expect((await fixture.system.admin(['redrive', '--queue', 'nowhere', '--yes'])).code).toBe(3);
  });
});
