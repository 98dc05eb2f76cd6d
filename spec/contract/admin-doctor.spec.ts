// `doctor`: finds each planted fault, and nothing where all is well.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import type { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import { checkAppendOnly, checkVersion } from '../../kong/admin/doctor/check-redis';
import { checkBacklog } from '../../kong/admin/doctor/check-backlog';
import { diagnose as diagnoseLab, type Diagnosis } from './admin-fixture/diagnose';
import { useAdminFixture } from './admin-fixture/use-admin-fixture';

const fixture = useAdminFixture();

const HOUR_MS = 3_600_000;

const diagnose = (args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Diagnosis> =>
  diagnoseLab(fixture.system, args, env);

/** A job that is old enough for the doctor to check, and that no worker runs. */
async function oldJob(): Promise<string> {
  const { system } = fixture;
  const id = await system.accept({ id: newJobId(Date.now() - HOUR_MS) });
  await system.client.hset(system.keys.record(id), 'created_at', Date.now() - HOUR_MS);
  return id;
}

test('the doctor finds no fault with a healthy system', async () => {
  const { system } = fixture;
  system.startWorker();
  const id = await system.accept();
  await system.left(id);
  expect(await diagnose()).toEqual({ code: 0, ok: true, found: {}, messages: '' });
  const { code, stdout } = await system.admin(['doctor'], { ARR_LISTEN_BACKLOG: '1' });
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^ok {7}redis-version {5}7/)]);
  expect(stdout).toMatch(/^ok {7}workers {11}1 queue in Redis /m);
});

describe('Redis', () => {
  test.each([
    ['eviction', ['maxmemory-policy', 'allkeys-lru', 'noeviction'], /allkeys-lru/],
    ['append-only-file', ['appendonly', 'no', 'yes'], /append-only file is off/],
  ] as const)('%s', async (check, [setting, wrong, right], message) => {
    await fixture.server.command('CONFIG', 'SET', setting, wrong);
    const diagnosis = await diagnose(['--no-scan']);
    await fixture.server.command('CONFIG', 'SET', setting, right);
    expect(diagnosis).toMatchObject({ code: 1, ok: false, found: { [check]: 'error' } });
    expect(diagnosis.messages).toMatch(message);
  });

  test.each([
    ['6.2.14', 'error'],
    ['7.0.0', undefined],
    ['10.0.1', undefined],
  ])('version %s', (version, level) => {
    expect(checkVersion(new Map([['redis_version', version]]))[0]?.level).toBe(level);
  });

  test('the doctor reports a failed write of the append-only file', () => {
    const info = new Map(Object.entries({ aof_enabled: '1', aof_last_write_status: 'err' }));
    expect(checkAppendOnly(info)).toMatchObject([{ level: 'error' }]);
  });

  test('the doctor names a command that the ACL rejects', async () => {
    const { system } = fixture;
    const rules = [
      'on',
      '>pw',
      `~${system.prefix}:*`,
      `&${system.prefix}:*`,
      '+@all',
      '-zpopmin',
      '-subscribe',
    ];
    await fixture.server.command('ACL', 'SETUSER', 'limited', ...rules);
    const user = { ARR_REDIS_USERNAME: 'limited', ARR_REDIS_PASSWORD: 'pw' };
    const { code, messages } = await diagnose(['--no-scan'], user);
    expect([code, messages]).toEqual([
      1,
      expect.stringMatching(/: SUBSCRIBE, ZPOPMIN\. See docs\/redis\.md\.$/),
    ]);
  });

  test('the doctor reports keys that the ACL rejects', async () => {
    const rules = ['on', '>pw', '~elsewhere:*', '&*', '+@all'];
    await fixture.server.command('ACL', 'SETUSER', 'elsewhere', ...rules);
    const user = { ARR_REDIS_USERNAME: 'elsewhere', ARR_REDIS_PASSWORD: 'pw' };
    const { code, messages } = await diagnose(['--no-scan'], user);
    expect([code, messages]).toEqual([1, expect.stringContaining('HSET')]);
  });

  test.each([
    ['5 s', 5000, 'warning', 0],
    ['a minute', -60_000, 'error', 1],
  ] as const)('the doctor reports a clock that differs by %s', async (_case, skewMs, level, code) => {
    const directory = mkdtempSync(join(tmpdir(), 'arr-clock-'));
    const file = join(directory, 'clock.js');
    writeFileSync(file, `const now = Date.now; Date.now = () => now() + (${String(skewMs)});`);
    const diagnosis = await diagnose(['--no-scan'], { NODE_OPTIONS: `--require ${file}` });
    rmSync(directory, { recursive: true });
    expect(diagnosis).toMatchObject({ code, found: { clock: level } });
  });
});

describe('keys', () => {
  test.each([
    ['request', (keys: KeySpace, id: string) => keys.request(id)],
    ['response', (keys: KeySpace, id: string) => keys.response(id, '1.1')],
  ])('the doctor reports a %s without a record', async (_case, keyOf) => {
    const { system } = fixture;
    const key = keyOf(system.keys, newJobId(Date.now() - HOUR_MS));
    await system.client.hset(key, 'head', 'x');
    await system.client.pexpire(key, HOUR_MS);
    expect(await diagnose()).toMatchObject({ code: 1, found: { 'orphaned-keys': 'error' } });
  });

  test('the doctor reports keys without a TTL', async () => {
    const { system } = fixture;
    const id = await oldJob();
    await system.client.persist(system.keys.record(id));
    await system.client.persist(system.keys.ranks('q'));
    const { code, found, messages } = await diagnose();
    expect([code, found]).toEqual([1, expect.objectContaining({ 'keys-without-ttl': 'error' })]);
    expect(messages).toContain('2 keys without a TTL');
    expect(messages).not.toContain(id);
  });

  test('the doctor reports an open job that is missing from its queue', async () => {
    const { system } = fixture;
    const id = await oldJob();
    await system.client.zrem(system.keys.openJobs('q'), id);
    expect(await diagnose()).toMatchObject({ code: 1, found: { 'unlisted-jobs': 'error' } });
    expect((await system.admin(['redrive', id, '--yes'])).code).toBe(0);
    expect((await diagnose()).found).not.toHaveProperty('unlisted-jobs');
  });

  test.each([
    ['an open job past its deadline', { deadline_at: Date.now() - HOUR_MS }],
    ['a running job whose lease is long over', { state: 'running', lease_until: Date.now() - HOUR_MS }],
  ])('%s', async (_case, fields) => {
    const { system } = fixture;
    await system.client.hset(system.keys.record(await oldJob()), fields);
    expect(await diagnose()).toMatchObject({ code: 1, found: { 'stuck-jobs': 'error' } });
  });

  test('--no-scan skips the keys', async () => {
    const { system } = fixture;
    await system.client.hset(system.keys.request(newJobId(Date.now() - HOUR_MS)), 'head', 'x');
    expect(await diagnose(['--no-scan'])).toMatchObject({ code: 0, found: {} });
  });

  test('the doctor accepts the keys of a submit in progress', async () => {
    const { system } = fixture;
    const key = system.keys.request(newJobId());
    await system.client.hset(key, 'head', 'x');
    await system.client.pexpire(key, HOUR_MS);
    expect(await diagnose()).toMatchObject({ code: 0, found: {} });
  });
});

describe('this machine', () => {
  test('the doctor reports a kernel that limits the backlog', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'arr-somaxconn-'));
    const file = join(directory, 'somaxconn');
    writeFileSync(file, '128\n');
    expect((await checkBacklog(4096, file)).findings).toMatchObject([{ level: 'warning' }]);
    expect((await checkBacklog(128, file)).findings).toEqual([]);
    rmSync(directory, { recursive: true });
    expect((await checkBacklog(128, file)).findings).toEqual([]);
  });
});

describe('a kong.yml', () => {
  const lua = JSON.stringify(readFileSync(resolve(__dirname, '../../kong/fail-closed.lua'), 'utf8'));
  const config = `config: { access: [${lua}] }`;
  const guard = `{ name: post-function, ${config} }`;
  const termination = '{ name: request-termination, config: { status_code: 503 } }';
  const plugin = '{ name: async-request-reply }';
  const directory = mkdtempSync(join(tmpdir(), 'arr-kong-yml-'));
  const file = join(directory, 'kong.yml');
  afterAll(() => rmSync(directory, { recursive: true }));

  const route = (plugins: string, more = ''): string =>
    `services: [{ name: s, url: http://h, routes: [{ name: r, plugins: [${plugins}] }] }]\n${more}`;

  test.each([
    ['the plugin alone', route(plugin), 'error'],
    ['the plugin and its guard', route(`${plugin}, ${guard}`), undefined],
    ['a guard that is off', route(`${plugin}, { name: post-function, enabled: false, ${config} }`), 'error'],
    [
      'a function that is another',
      route(`${plugin}, { name: post-function, config: { access: ['return kong.response.exit(503)'] } }`),
      'error',
    ],
    [
      'a function of another phase',
      route(`${plugin}, { name: post-function, config: { log: [${lua}] } }`),
      'error',
    ],
    [
      'a guard for one consumer',
      route(`${plugin}, { name: post-function, consumer: bob, ${config} }`),
      'error',
    ],
    ['a guard for all routes', route(plugin, `plugins: [${guard}]`), undefined],
    [
      'a guard for all routes and a function of the route before it',
      route(`${plugin}, { name: post-function, config: { access: ['return'] } }`, `plugins: [${guard}]`),
      'error',
    ],
    [
      'a guard that names the route',
      route(plugin, `plugins: [{ name: post-function, route: r, ${config} }]`),
      undefined,
    ],
    [
      'a guard of another route',
      route(plugin, `plugins: [{ name: post-function, route: x, ${config} }]`),
      'error',
    ],
    [
      'request-termination, which also ends what is handed off',
      route(`${plugin}, ${termination}`),
      'warning',
    ],
    ['the guard and request-termination', route(`${plugin}, ${guard}, ${termination}`), 'warning'],
    [
      'request-termination with a trigger',
      route(`${plugin}, { name: request-termination, config: { trigger: x } }`),
      'error',
    ],
    ['the plugin for all routes', route('', `plugins: [${plugin}]`), 'error'],
    ['a plugin that is off', route('{ name: async-request-reply, enabled: false }'), undefined],
    ['intercept prefer', route('{ name: async-request-reply, config: { intercept: prefer } }'), undefined],
    [
      'polls only, with a service behind',
      route('{ name: async-request-reply, config: { intercept: never } }'),
      'warning',
    ],
    ['a route without a service', `routes: [{ name: r, plugins: [${plugin}] }]`, 'error'],
  ])('with %s', async (_case, text, level) => {
    writeFileSync(file, text);
    const { code, found } = await diagnose(['--no-scan', '--kong-yml', file]);
    expect([code, found]).toEqual([
      level === 'error' ? 1 : 0,
      level === undefined ? {} : { 'fail-closed': level },
    ]);
  });

  test('the kong.yml of this project has the fail-closed guard on every route, and YAML merge keys are supported', async () => {
    const ours = resolve(__dirname, '../../kong/kong.yml');
    expect((await diagnose(['--no-scan', '--kong-yml', ours])).code).toBe(0);
    writeFileSync(file, readFileSync(ours, 'utf8').replaceAll('name: post-function', 'name: cors'));
    const { code, messages } = await diagnose(['--no-scan', '--kong-yml', file]);
    expect([code, messages]).toEqual([1, expect.stringMatching(/Route reports .*\n.*Route orders /)]);
  });

  test.each([
    ['is not there', undefined],
    ['is no YAML', 'a: [b'],
    ['is no configuration', '- a'],
  ])('a kong.yml that %s is a usage error', async (_case, text) => {
    if (text === undefined) rmSync(file, { force: true });
    else writeFileSync(file, text);
    expect((await fixture.system.admin(['doctor', '--no-scan', '--kong-yml', file])).code).toBe(2);
  });
});
