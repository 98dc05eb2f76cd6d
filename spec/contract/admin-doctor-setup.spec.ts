// `doctor` on how the system is set up: whether workers look where the plugin does, under which limits, with which variables.
import { until } from '../helpers/until';
import { diagnose as diagnoseLab, type Diagnosis } from './admin-kit/diagnose';
import { useAdminLab } from './admin-kit/use-admin-lab';

const stage = useAdminLab();

const diagnose = (args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Diagnosis> =>
  diagnoseLab(stage.lab, args, env);

it('warns of a variable that is no setting, with the nearest that is one', async () => {
  stage.lab.startWorker();
  const diagnosis = await diagnose(['--no-scan'], { ARR_LOGLEVEL: 'debug' });
  expect(diagnosis).toMatchObject({ code: 0, ok: true, found: { variables: 'warning' } });
  expect(diagnosis.messages).toMatch(/^ARR_LOGLEVEL .* Did you mean ARR_LOG_LEVEL\?$/);
});

describe('queues', () => {
  it('one that no worker serves, until one does', async () => {
    const { lab } = stage;
    await lab.accept();
    const { code, messages } = await diagnose(['--no-scan']);
    expect([code, messages]).toEqual([
      1,
      expect.stringMatching(/No worker serves queue q, which has 1 open/),
    ]);
    const place = `Redis 127.0.0.1:${stage.server.port}, database 0, key prefix "${lab.prefix}"`;
    for (const reason of [place, 'ARR_REDIS_*', 'ARR_KEY_PREFIX', 'ARR_QUEUES']) {
      expect(messages).toContain(reason);
    }
    lab.startWorker();
    await until('the worker to serve it', async () => (await diagnose(['--no-scan'])).code === 0);
  });

  it.each([
    ['Redis', {}, ['--redis-database', '3'], 'database 3, key prefix "admin-'],
    ['key prefix', { ARR_KEY_PREFIX: 'elsewhere' }, [], 'database 0, key prefix "elsewhere"'],
  ])('none, where it looks at another %s than the plugin', async (_what, env, args, place) => {
    const { lab } = stage;
    await lab.accept();
    const { code, stdout } = await lab.admin(['doctor', '--no-scan', ...args], {
      ARR_LISTEN_BACKLOG: '1',
      ...env,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {7}workers {11}0 queues in Redis 127\.0\.0\.1:\d+, /m);
    expect(stdout).toContain(place);
  });

  it('instances that disagree on its limits', async () => {
    const { lab } = stage;
    lab.startWorker();
    await lab.accept({ settings: { concurrency: 4 } });
    await lab.accept({ settings: { concurrency: 9, rateMax: 5, ratePerMs: 1000 } });
    const { code, found, messages } = await diagnose(['--no-scan']);
    expect([code, found]).toEqual([0, { limits: 'warning' }]);
    expect(messages).toContain('concurrency 4; concurrency 9 and 5 per 1 s');
  });
});
