// `redrive`: a dead letter runs again, once, wherever the command was cut off.
import { redriveJob } from '../../plugins/async-request-reply/queue/redrive-job';
import { openScheduler } from '../../plugins/async-request-reply/queue/scheduler';
import { deadLettersKey, openJobsKey, settingsKey } from '../../plugins/async-request-reply/redis/keys';
import { reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useAdminLab } from './admin-kit/use-admin-lab';

const stage = useAdminLab();

/** Dead letters of a path that has recovered since. */
async function deadLetters(count: number, path: string, queue = 'q'): Promise<string[]> {
  stage.upstream.script(path, reply({ status: 503 }));
  const ids = await stage.lab.deadLetters(count, { path, queue });
  stage.upstream.script(path, reply({ body: 'recovered' }));
  return ids;
}

async function oneDeadLetter(path: string): Promise<string> {
  const [id = ''] = await deadLetters(1, path);
  return id;
}

async function runsOnceMore(id: string): Promise<void> {
  stage.lab.startWorker();
  const record = await until('the new run to settle', async () => {
    const job = await stage.lab.access.jobs.read(id);
    return job?.upstreamStatus === 200 && job.state === 'completed' ? job : undefined;
  });
  expect(record.attempts).toBe(1);
  await until('it to be off all lists', async () => {
    const { open, dead } = await stage.lab.index.membership('q', id);
    return !open && !dead;
  });
  expect(stage.upstream.callsOf(id)).toHaveLength(2);
}

describe('redrive of one job', () => {
  it('queues it with the same ID and no attempts, and it runs once', async () => {
    const { lab } = stage;
    const id = await oneDeadLetter('/redrive-one');
    expect(await lab.json(['redrive', id, '--yes'])).toEqual({ code: 0, value: { id, outcome: 'redriven' } });
    expect(await lab.access.jobs.read(id)).toMatchObject({ state: 'queued', attempts: 0 });
    expect(await lab.index.membership('q', id)).toEqual({ waiting: true, open: true, dead: false });
    expect(await lab.client.zcard(deadLettersKey(lab.prefix, 'q'))).toBe(0);
    await runsOnceMore(id);
  });

  it('says so in words', async () => {
    const id = await oneDeadLetter('/redrive-words');
    const { code, stdout } = await stage.lab.admin(['redrive', id, '--yes']);
    expect([code, stdout]).toEqual([0, `Job ${id} is queued again.\n`]);
  });

  it('says before what the last response was', async () => {
    const id = await oneDeadLetter('/redrive-last');
    const { code, stdout } = await stage.lab.admin(['redrive', id, '--dry-run']);
    expect([code, stdout]).toEqual([0, `Would redrive job ${id} (last response: 503).\n`]);
  });

  it('says before why there was no response', async () => {
    stage.upstream.script('/redrive-hung-up', ({ socket }) => {
      socket.destroy();
    });
    const [id = ''] = await stage.lab.deadLetters(1, { path: '/redrive-hung-up' });
    const { code, stdout } = await stage.lab.admin(['redrive', id, '--dry-run']);
    expect([code, stdout]).toEqual([0, `Would redrive job ${id} (failed: upstream-failed).\n`]);
  });

  it.each([
    ['without --yes', [], 2],
    ['with --dry-run', ['--dry-run'], 0],
    ['with both --dry-run and --yes', ['--dry-run', '--yes'], 0],
  ])('changes nothing %s', async (_case, options, code) => {
    const id = await oneDeadLetter('/redrive-nothing');
    const before = await stage.lab.dump();
    expect(await stage.lab.json(['redrive', id, ...options])).toEqual({
      code,
      value: { would: { id, state: 'completed', upstream_status: 503 }, done: false },
    });
    expect(await stage.lab.dump()).toEqual(before);
  });

  it('fails for a job that is no dead letter', async () => {
    const id = await stage.lab.accept();
    expect(await stage.lab.json(['redrive', id, '--yes'])).toEqual({
      code: 1,
      value: { id, outcome: 'not-dead' },
    });
  });

  it('leaves a dead letter dead whose settings are gone', async () => {
    const { lab } = stage;
    const id = await oneDeadLetter('/redrive-settings');
    const hash = (await lab.access.jobs.read(id))?.settingsHash ?? '';
    await lab.client.del(settingsKey(lab.prefix, hash));
    expect(await lab.json(['redrive', id, '--yes'])).toMatchObject({
      code: 1,
      value: { outcome: 'settings-gone' },
    });
    expect(await lab.access.jobs.isDead(id)).toBe(true);
  });

  it('keeps its settings and its queue announced for the whole of the new run', async () => {
    const { lab } = stage;
    const id = await oneDeadLetter('/redrive-life');
    const key = settingsKey(lab.prefix, (await lab.access.jobs.read(id))?.settingsHash ?? '');
    await lab.client.pexpire(key, 60_000);
    await lab.admin(['redrive', id, '--yes']);
    expect(await lab.client.pttl(key)).toBeGreaterThan(10_000_000);
  });
});

describe('a redrive that was cut off', () => {
  /** The command in this process, ended after one of its writes. */
  async function redriveCutAfter(
    step: 'reserve' | 'reopen' | 'redrive' | 'addJob',
    id: string,
  ): Promise<void> {
    const { lab } = stage;
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
    const scheduler = openScheduler(lab.client, lab.prefix, 'q', true);
    const context = {
      redis: lab.client,
      prefix: lab.prefix,
      scheduler: () => scheduler,
      jobs: cut(lab.access.jobs),
      index: cut(lab.index),
    };
    await expect(redriveJob(context, id)).rejects.toThrow(`cut off after ${step}`);
    await scheduler.close();
  }

  it.each(['reserve', 'reopen'] as const)(
    'after %s leaves a dead letter that can be redriven',
    async (step) => {
      const { lab } = stage;
      const id = await oneDeadLetter('/cut-early');
      await redriveCutAfter(step, id);
      expect(await lab.access.jobs.isDead(id)).toBe(true);
      expect(await lab.json(['redrive', id, '--yes'])).toMatchObject({ value: { outcome: 'redriven' } });
      await runsOnceMore(id);
    },
  );

  it.each(['redrive', 'addJob'] as const)('after %s is completed by the sweep', async (step) => {
    const { lab } = stage;
    const id = await oneDeadLetter('/cut-late');
    await redriveCutAfter(step, id);
    lab.startWorker();
    await until('the job to run', () => stage.upstream.callsOf(id).length === 2);
    expect(await lab.left(id)).toMatchObject({ state: 'completed', upstreamStatus: 200, attempts: 1 });
    expect(stage.upstream.callsOf(id)).toHaveLength(2);
  });

  it('is completed by repeating it, also where the job is on no list', async () => {
    const { lab } = stage;
    const id = await oneDeadLetter('/cut-lost');
    expect(await lab.access.jobs.redrive(id)).toMatchObject({ kind: 'redriven' });
    expect(await lab.index.membership('q', id)).toMatchObject({ open: false });
    expect(await lab.json(['redrive', id, '--yes'])).toEqual({ code: 0, value: { id, outcome: 'resumed' } });
    await runsOnceMore(id);
  });

  it('survives the late leave of the run before', async () => {
    const { lab } = stage;
    const id = await oneDeadLetter('/late-leave');
    const record = await lab.access.jobs.read(id);
    await lab.admin(['redrive', id, '--yes']);
    await lab.index.removeJob('q', id, {
      owner: record?.owner ?? '',
      dead: true,
      expiresAt: record?.expiresAt ?? 0,
    });
    expect(await lab.index.membership('q', id)).toEqual({ waiting: true, open: true, dead: false });
    await runsOnceMore(id);
  });
});

describe('redrive of a queue', () => {
  it('runs all of its dead letters again and leaves other queues alone', async () => {
    const { lab } = stage;
    const ids = await deadLetters(5, '/redrive-queue');
    const others = await deadLetters(2, '/redrive-other', 'other');
    expect(await lab.json(['redrive', '--queue', 'q', '--yes'])).toEqual({
      code: 0,
      value: { queue: 'q', redriven: 5, skipped: 0, settings_gone: 0, newer: 0 },
    });
    expect(await lab.client.zcard(openJobsKey(lab.prefix, 'q'))).toBe(5);
    for (const id of ids) {
      await runsOnceMore(id);
    }
    expect(others.map((id) => stage.upstream.callsOf(id).length)).toEqual([1, 1]);
    expect(await lab.json(['redrive', '--queue', 'q', '--yes'])).toMatchObject({
      code: 0,
      value: { redriven: 0 },
    });
  });

  it('says how many it would redrive, and redrives none', async () => {
    const { lab } = stage;
    await deadLetters(3, '/redrive-dry');
    const before = await lab.dump();
    const { code, stdout } = await lab.admin(['redrive', '--queue', 'q', '--dry-run']);
    expect([code, stdout]).toEqual([0, 'Would redrive 3 dead letters of queue q.\n']);
    expect(await lab.dump()).toEqual(before);
  });

  it('counts a single one in the singular', async () => {
    const { lab } = stage;
    await oneDeadLetter('/redrive-single');
    expect((await lab.admin(['redrive', '--queue', 'q'])).stdout).toMatch(
      /^Would redrive 1 dead letter of queue q\.$/m,
    );
    expect((await lab.admin(['redrive', '--queue', 'q', '--yes'])).stdout).toBe(
      '1 dead letter of queue q is queued again.\n',
    );
  });

  it('exits 3 for a queue that is not known', async () => {
    expect((await stage.lab.admin(['redrive', '--queue', 'nowhere', '--yes'])).code).toBe(3);
  });
});
