// Everything works with the least ACL user of docs/redis.md, word for word, on a Redis that lets nobody else in; and
// nothing is tried that it may not do.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAdmin, type CommandResult } from '../helpers/admin-command';
import { documentedUser } from '../helpers/documented-user';
import { startStack, type Stack } from '../helpers/stack';
import { hangUp, reply, silence } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import { nothingIsLeft } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const PREFIX = 'arr';
const PASSWORD = 'password-of-the-user';
/** The specs' own, for their look into Redis. */
const SPEC = { username: 'spec', password: 'password-of-the-spec' };
const login = (username: string): Record<string, string> => ({
  ARR_REDIS_USERNAME: username,
  ARR_REDIS_PASSWORD: PASSWORD,
  ARR_KEY_PREFIX: PREFIX,
});

let stack: Stack;

const userLine = (name: string, rules: readonly string[]): string => `user ${name} ${rules.join(' ')}\n`;
const documented = (name: string): string =>
  userLine(
    name,
    documentedUser(name).map((rule) => (rule === '>PASSWORD' ? `>${PASSWORD}` : rule)),
  );

const admin = (...args: string[]): Promise<CommandResult> =>
  runAdmin(args, { ARR_REDIS_PORT: String(stack.redis.port), ...login('arr-admin') });

const stateOf = async (path: string, id: string): Promise<unknown> =>
  (await stack.request(`${path}?async-id=${id}`)).json()['state'];

/** What Redis refused, as it remembers it: user, command or key. */
async function refusals(): Promise<string[]> {
  const entries = (await stack.redis.command('ACL', 'LOG')) as unknown[][];
  return entries.map((entry) => entry.map(String).join(' '));
}

useResources(async (resources) => {
  const directory = mkdtempSync(join(tmpdir(), 'arr-acl-'));
  resources.add(() => rmSync(directory, { recursive: true, force: true }));
  const aclfile = join(directory, 'users.acl');
  const spec = userLine(SPEC.username, ['on', `>${SPEC.password}`, '~*', '&*', '+@all']);
  writeFileSync(aclfile, `user default off\n${spec}${documented('arr')}${documented('arr-admin')}`);
  const starting = startStack({
    redis: { settings: { aclfile }, login: SPEC },
    shared: { redis: { username: 'arr', password: PASSWORD, key_prefix: PREFIX }, retry: { backoff_ms: 1 } },
    routes: [
      { name: 'jobs' },
      { name: 'separate', config: { queue: { name: 'separate' } } },
      {
        name: 'limited',
        config: {
          queue: {
            rate_limit: { max: 100, per_seconds: 1 },
            max_per_caller: 10,
            priority_header: 'X-Priority',
          },
          owner: 'header',
          owner_header: 'X-Owner',
          breaker: { failures: 1, open_seconds: 1 },
        },
      },
      { name: 'paused', config: { queue: { name: 'paused' } } },
      { name: 'short', config: { deadline_seconds: 1, queue: { name: 'short', concurrency: 1 } } },
      {
        name: 'once',
        config: { delete_after_read: true, min_poll_interval_ms: 60_000, wait: { max_ms: 50_000 } },
      },
      { name: 'kept', config: { redis: { min_replicas: 1, read_timeout: 500 } } },
    ],
    env: login('arr'),
  });
  stack = await resources.use(starting, (started) => started.close());
});

afterEach(async () => {
  await nothingIsLeft(stack);
  expect(await refusals()).toEqual([]);
  expect(await stack.gateway.log()).not.toMatch(/NOPERM|WRONGPASS|NOAUTH/);
});

const startWorker = useWorkers(() => stack);

test('a job is accepted, tried again, carried out and replayed', async () => {
  stack.upstream.script('/jobs/one', hangUp(), reply({ status: 503 }), reply({ status: 201, body: 'made' }));
  const { id } = await stack.submit('/jobs/one');
  const first = await stack.settled('/jobs/one', id);
  const second = await stack.poll('/jobs/one', id);

  expect([first.status, first.text, second.text]).toEqual([201, 'made', 'made']);
});

test('a queue with limits, callers, priorities and a breaker works', async () => {
  stack.upstream.script('/limited/a', reply({ status: 503 }), reply({ body: 'done' }));
  const headers = { 'X-Owner': 'a', 'X-Priority': '1' };
  const { id } = await stack.submit('/limited/a', { headers });
  const ask = (): ReturnType<Stack['poll']> =>
    stack.request('/limited/a', { headers: { ...headers, 'X-Async-Kong-Id': id } });
  const end = await until('the job to settle', async () => {
    const response = await ask();
    return response.status === 202 ? undefined : response;
  });

  expect([end.status, end.text]).toEqual([200, 'done']);
});

test('requests wait, polls are paced, and a result is deleted after its read', async () => {
  const held = await stack.request('/once/a', { headers: { Prefer: 'wait=50' } });
  const id = held.header('X-Async-Kong-Id') ?? '';
  stack.upstream.script('/once/b', silence());
  const open = await stack.submit('/once/b');
  await stack.upstream.called('/once/b');
  const polls = [await stack.poll('/once/b', open.id), await stack.poll('/once/b', open.id)];
  await stack.poll('/once/b', open.id, { method: 'DELETE' });

  expect([held.status, (await stack.poll('/once/a', id)).status]).toEqual([200, 410]);
  expect(polls.map(({ status }) => status)).toEqual([202, 429]);
  await until('the call to be over', () => stack.upstream.answersPending === 0);
});

test('jobs are cancelled while they wait and while they run', async () => {
  stack.upstream.script('/jobs/never', silence());
  const running = await stack.submit('/jobs/never');
  const [call] = await stack.upstream.called('/jobs/never');
  const cancelled = await stack.poll('/jobs/never', running.id, { method: 'DELETE' });
  await until('the upstream to see the connection close', () => call?.wasAbandoned);
  // The queue is known from its first job on.
  await stack.roundTrip('/paused/first');
  expect((await admin('pause', 'paused')).code).toBe(0);
  const waiting = await stack.submit('/paused/waiting');
  const dropped = await stack.poll('/paused/waiting', waiting.id, { method: 'DELETE' });
  await admin('resume', 'paused');

  expect([cancelled.status, dropped.status]).toEqual([202, 204]);
  expect((await stack.settled('/jobs/never', running.id)).status).toBe(410);
});

test('the sweep settles what waited past its deadline', async () => {
  // The queue is known from its first job on.
  await stack.roundTrip('/short/first');
  expect((await admin('pause', 'short')).code).toBe(0);
  const { id } = await stack.submit('/short/late');
  await until('the sweep to settle it', async () => (await stateOf('/short/late', id)) === 'expired');

  expect((await admin('resume', 'short')).code).toBe(0);
});

test('another process recovers a job whose worker was killed', async () => {
  stack.upstream.script('/separate/lost', silence(), reply({ body: 'second' }));
  const { id } = await stack.submit('/separate/lost');
  await stack.upstream.called('/separate/lost');
  const worker = startWorker(login('arr'));
  await until('the worker to take the queue', () => /"separate".*takes jobs of a queue/.test(worker.log));
  await stack.killPluginServer();
  await stack.pluginServerBack('/separate');

  expect((await stack.settled('/separate/lost', id)).text).toBe('second');
  expect(worker.log).not.toMatch(/NOPERM|WRONGPASS|NOAUTH/);
});

test('too few replicas are counted', async () => {
  const response = await stack.request('/kept/a');

  // With which words depends on whether there was time for them; what WAIT may not do would be in ACL LOG.
  expect(response.status).toBe(503);
  expect(stack.upstream.callsTo('/kept/a')).toEqual([]);
});

test('the admin command lists, shows, redrives and purges, and the doctor finds no fault with the ACL', async () => {
  stack.upstream.script('/jobs/dead', reply({ status: 503 }));
  const { id } = await stack.submit('/jobs/dead', { method: 'PUT' });
  await stack.settled('/jobs/dead', id);
  stack.upstream.script('/jobs/dead', reply({ body: 'at last' }));
  for (const args of [['queues'], ['jobs', '--full-ids'], ['show', id], ['redrive', id, '--yes']]) {
    expect(await admin(...args)).toMatchObject({ code: 0, stderr: '' });
  }
  expect((await stack.settled('/jobs/dead', id)).text).toBe('at last');
  expect((await admin('purge', '--all', '--yes')).code).toBe(0);
  const doctor = JSON.parse((await admin('doctor', '--json')).stdout) as unknown;

  expect(JSON.stringify(doctor)).toContain('commands allowed');
  expect((await stack.poll('/jobs/dead', id)).status).toBe(404);
});

test('the user of plugin server and worker may touch no other keys and no other commands', async () => {
  const refused = async (...command: string[]): Promise<unknown> =>
    stack.redis.command('ACL', 'DRYRUN', 'arr', ...command);

  expect(await refused('GET', `${PREFIX}:x`)).toBe('OK');
  for (const command of [
    ['GET', 'other'],
    ['FLUSHALL'],
    ['CONFIG', 'GET', '*'],
    ['CLIENT', 'KILL', 'x'],
    ['KEYS', '*'],
  ]) {
    expect(String(await refused(...command))).toMatch(/no permissions/);
  }
});
