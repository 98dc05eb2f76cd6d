// The list of commands that the doctor tries against the ACL has all that the system sends.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { COMMANDS, SUBSCRIBE } from '../../kong/admin/doctor/commands';
import { reply } from '../helpers/upstream/answers';
import { useAdminLab } from './admin-kit/use-admin-lab';

const stage = useAdminLab();

const listed = new Set([...COMMANDS.map(([name]) => name), SUBSCRIBE]);

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

/** BullMQ's scripts behind the methods that this program calls, and behind a worker's own rounds. */
const BULLMQ_SCRIPTS =
  /^(addDelayedJob|addPrioritizedJob|addStandardJob|extendLock|extendLocks|getCounts|getRateLimitTtl|getState|getStateV2|moveStalledJobsToWait|moveToActive|moveToDelayed|moveToFinished|obliterate|pause|releaseLock|removeJob)-\d+\.js$/;

const commandsIn = (text: string): string[] =>
  [...text.matchAll(/(?:rcall|redis\.p?call)\(\s*['"]([A-Za-z]+)['"]/g)].map(([, name = '']) =>
    name.toUpperCase(),
  );

it('names every command of our scripts and of those of BullMQ that are used', () => {
  const ours = resolve(__dirname, '../../plugins/async-request-reply/store/lua');
  const theirs = join(dirname(require.resolve('bullmq')), 'scripts');
  const files = [
    ...readdirSync(ours).map((name) => join(ours, name)),
    ...readdirSync(theirs)
      .filter((name) => BULLMQ_SCRIPTS.test(name))
      .map((name) => join(theirs, name)),
  ];
  expect(files.length).toBeGreaterThan(25);
  const used = new Set(files.flatMap((file) => commandsIn(readFileSync(file, 'utf8'))));
  expect([...used].filter((name) => !listed.has(name))).toEqual([]);
});

it('names every command that a running system sent', async () => {
  const { lab } = stage;
  await stage.server.command('CONFIG', 'RESETSTAT');
  stage.upstream.script('/dead', reply({ status: 503 }));
  await lab.deadLetters(2, { path: '/dead' });
  await lab.admin(['redrive', '--queue', 'q', '--yes']);
  await lab.admin(['pause', 'q']);
  await lab.admin(['jobs']);
  await lab.admin(['doctor']);
  await lab.admin(['purge', '--all', '--force', '--yes']);
  const stats = String(await stage.server.command('INFO', 'commandstats'));
  const sent = [...stats.matchAll(/cmdstat_([a-z]+)[^:]*:/g)].map(([, name = '']) => name.toUpperCase());
  expect(sent).toEqual(expect.arrayContaining(['EVALSHA', 'BZPOPMIN', 'SCAN', 'ZSCAN', 'SUBSCRIBE']));
  const unlisted = sent.filter((name) => !listed.has(name) && ![...CONNECTION, ...SPECS].includes(name));
  expect([...new Set(unlisted)]).toEqual([]);
});

it('is tried without running a command', async () => {
  const { lab } = stage;
  await lab.accept();
  const before = await lab.dump();
  await lab.admin(['doctor']);
  expect(await lab.dump()).toEqual(before);
});
