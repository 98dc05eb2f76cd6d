// `doctor` on how the system is set up: whether workers look where the plugin does, under which limits, with which variables.
import { until } from '../helpers/until';
import { diagnose as diagnoseLab, type Diagnosis } from './admin-fixture/diagnose';
import { useAdminFixture } from './admin-fixture/use-admin-fixture';

const fixture = useAdminFixture();

const diagnose = (args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Diagnosis> =>
  diagnoseLab(fixture.system, args, env);

test('the doctor warns of an unknown variable, and suggests the nearest setting', async () => {
  fixture.system.startWorker();
  const diagnosis = await diagnose(['--no-scan'], { ARR_LOGLEVEL: 'debug' });
  expect(diagnosis).toMatchObject({ code: 0, ok: true, found: { variables: 'warning' } });
  expect(diagnosis.messages).toMatch(/^ARR_LOGLEVEL .* Did you mean ARR_LOG_LEVEL\?$/);
});

describe('queues', () => {
  test('the doctor reports a queue without a worker until a worker takes it', async () => {
    const { system } = fixture;
    await system.accept();
    const { code, messages } = await diagnose(['--no-scan']);
    expect([code, messages]).toEqual([
      1,
      expect.stringMatching(/No worker serves queue q, which has 1 open/),
    ]);
    const place = `Redis 127.0.0.1:${fixture.server.port}, database 0, key prefix "${system.prefix}"`;
    for (const reason of [place, 'ARR_REDIS_*', 'ARR_KEY_PREFIX', 'ARR_QUEUES']) {
      expect(messages).toContain(reason);
    }
    system.startWorker();
    await until('the worker to take it', async () => (await diagnose(['--no-scan'])).code === 0);
  });

  test.each([
    ['Redis', {}, ['--redis-database', '3'], 'database 3, key prefix "admin-'],
    ['key prefix', { ARR_KEY_PREFIX: 'elsewhere' }, [], 'database 0, key prefix "elsewhere"'],
  ])(
    'the doctor reports that there are no queues if it uses another %s than the plugin',
    async (_what, env, args, place) => {
      const { system } = fixture;
      await system.accept();
      const { code, stdout } = await system.admin(['doctor', '--no-scan', ...args], {
        ARR_LISTEN_BACKLOG: '1',
        ...env,
      });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^ok {7}workers {11}0 queues in Redis 127\.0\.0\.1:\d+, /m);
      expect(stdout).toContain(place);
    },
  );

  test('the doctor reports instances that disagree on the limits of a queue', async () => {
    const { system } = fixture;
    system.startWorker();
    await system.accept({ settings: { concurrency: 4 } });
    await system.accept({ settings: { concurrency: 9, rateMax: 5, ratePerMs: 1000 } });
    const { code, found, messages } = await diagnose(['--no-scan']);
    expect([code, found]).toEqual([0, { limits: 'warning' }]);
    expect(messages).toContain('concurrency 4; concurrency 9 and 5 per 1 s');
  });
});
