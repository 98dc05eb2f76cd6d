// The lists of commands that the doctor tries against the ACL have all that the system sends and nothing else, and the
// users in docs/redis.md are made of them.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { aclRules, type Role } from '../../kong/admin/doctor/acl-user';
import { COMMANDS, SUBSCRIPTIONS, SYSTEM_COMMANDS } from '../../kong/admin/doctor/commands';
import { documentedUser } from '../helpers/documented-user';
import { reply } from '../helpers/upstream/answers';
import { useAdminFixture } from './admin-fixture/use-admin-fixture';

const fixture = useAdminFixture();

const listed = new Set([...COMMANDS.map(([name]) => name), ...SUBSCRIPTIONS]);

/** What a connection does about itself; Redis lets every user do these, or ioredis goes on without. */
const CONNECTION = [
  'HELLO',
  'AUTH',
  'SELECT',
  'PING',
  'QUIT',
  'CLIENT',
  'MULTI',
  'DISCARD',
  'ACL',
  'COMMAND',
];

/** What the specs look into Redis with. */
const SPECS = ['KEYS', 'DUMP', 'CONFIG', 'ZREMRANGEBYSCORE'];

/** BullMQ's scripts behind the methods that plugin server and worker call, and behind a worker's own rounds. */
const SYSTEM_SCRIPTS =
  /^(addDelayedJob|addPrioritizedJob|addStandardJob|extendLock|extendLocks|moveStalledJobsToWait|moveToActive|moveToDelayed|moveToFinished|obliterate|releaseLock|removeJob)-\d+\.js$/;

/** Those behind what only the admin command calls. */
const ADMIN_SCRIPTS = /^(getCounts|getRateLimitTtl|getState|getStateV2|pause)-\d+\.js$/;

/** Sent without a script: by BullMQ's worker, by ioredis to run a script, and where replicas are waited for. */
const UNSCRIPTED = ['BZPOPMIN', 'CLIENT', 'EVAL', 'EVALSHA', 'WAIT', 'INFO'];

/** Methods of a client that send no command of that name. */
const NO_COMMANDS = [
  'CALL',
  'NODES',
  'CONNECT',
  'DISCONNECT',
  'DUPLICATE',
  'ON',
  'OFF',
  'ONCE',
  'PIPELINE',
  'DEFINECOMMAND',
  'ANSWERS',
];

/** Called by their names; BullMQ's pushes also by a variable that holds one of two. */
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/(?:rcall|redis\.p?call)\(\s*['"]([A-Za-z]+)['"]|['"]([LR]PUSH)['"]/g)].map(
    ([, name, push = '']) => (name ?? push).toUpperCase(),
  );

const folder = (path: string): string => resolve(__dirname, '../..', path);

function scriptCommands(bullmqScripts: RegExp): string[] {
  const ours = folder('plugins/async-request-reply');
  const theirs = join(dirname(require.resolve('bullmq')), 'scripts');
  const files = [
    ...readdirSync(ours, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.lua'))
      .map((name) => join(ours, name)),
    ...readdirSync(theirs)
      .filter((name) => bullmqScripts.test(name))
      .map((name) => join(theirs, name)),
  ];
  return files.flatMap((file) => commandsIn(readFileSync(file, 'utf8')));
}

/** Commands that the program itself sends, by the methods of ioredis that it calls. */
function calledCommands(path: string): string[] {
  const files = readdirSync(folder(path), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const methods = files.flatMap((name) =>
    [...readFileSync(join(folder(path), name), 'utf8').matchAll(/\b(?:redis|node|probe)\.([a-z]+)\(/g)].map(
      ([, method = '']) => method.toUpperCase(),
    ),
  );
  return methods.filter((method) => !NO_COMMANDS.includes(method));
}

const sortedUnique = (names: readonly string[]): string[] => [...new Set(names)].sort();

test('the ACL of docs/redis.md lists the commands of plugin server and worker, and no others', () => {
  const used = [...scriptCommands(SYSTEM_SCRIPTS), ...calledCommands('plugins'), ...UNSCRIPTED, 'SUBSCRIBE'];

  const names = [...SYSTEM_COMMANDS.map(([name]) => name), ...SUBSCRIPTIONS];
  expect(sortedUnique(used)).toEqual(sortedUnique(names));
});

test('the ACL of docs/redis.md lists the further commands of the admin command, and no others', () => {
  const all = [
    ...scriptCommands(SYSTEM_SCRIPTS),
    ...scriptCommands(ADMIN_SCRIPTS),
    ...UNSCRIPTED,
    ...calledCommands('plugins'),
    ...calledCommands('kong/admin'),
    ...SUBSCRIPTIONS,
  ];

  expect(sortedUnique(all)).toEqual(sortedUnique([...listed]));
});

test.each<[string, Role]>([
  ['arr', 'system'],
  ['arr-admin', 'admin'],
])('docs/redis.md has these commands for the user %s', (name, role) => {
  expect(documentedUser(name)).toEqual(['on', '>PASSWORD', ...aclRules('arr', role)]);
});

test('the ACL of docs/redis.md lists every command that a running system sent', async () => {
  const { system } = fixture;
  await fixture.server.command('CONFIG', 'RESETSTAT');
  fixture.upstream.script('/dead', reply({ status: 503 }));
  await system.deadLetters(2, { path: '/dead' });
  await system.admin(['redrive', '--queue', 'q', '--yes']);
  await system.admin(['pause', 'q']);
  await system.admin(['jobs']);
  await system.admin(['doctor']);
  await system.admin(['purge', '--all', '--force', '--yes']);
  const stats = String(await fixture.server.command('INFO', 'commandstats'));
  const sent = [...stats.matchAll(/cmdstat_([a-z]+)[^:]*:/g)].map(([, name = '']) => name.toUpperCase());
  expect(sent).toEqual(expect.arrayContaining(['EVALSHA', 'BZPOPMIN', 'SCAN', 'ZSCAN', 'SUBSCRIBE']));
  const unlisted = sent.filter((name) => !listed.has(name) && ![...CONNECTION, ...SPECS].includes(name));
  expect([...new Set(unlisted)]).toEqual([]);
});

test('the doctor checks the ACL without running a command', async () => {
  const { system } = fixture;
  await system.accept();
  const before = await system.dump();
  await system.admin(['doctor']);
  expect(await system.dump()).toEqual(before);
});
