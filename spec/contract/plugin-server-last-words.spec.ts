// What a plugin server that cannot start prints: to a terminal, or to an nginx that does not show its output.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makePrefix } from './plugin-server-fixture/server-process';

const PLUGIN_SERVER = resolve(__dirname, '../../dist/kong/plugin-server.js');
/** The directory of another user, or of the kernel: no user writes there. */
const NOT_WRITABLE = '/proc';

const { prefix, remove } = makePrefix();
afterAll(remove);

/** A shell by the name of nginx: what it starts sees what it would see under nginx. */
const NGINX = join(prefix, 'nginx');
copyFileSync(realpathSync('/bin/sh'), NGINX);
chmodSync(NGINX, 0o755);

interface Ending {
  readonly status: number | null;
  /** What the plugin server printed. */
  readonly printed: string;
}

/** Runs it below `parent`, whose standard error is `log`. */
function run(parent: string, log: number | 'pipe', args: string[], env: NodeJS.ProcessEnv = {}): Ending {
  const command = [process.execPath, PLUGIN_SERVER, ...args].map((word) => `'${word}'`).join(' ');
  // The inner shell, and not the parent, redirects; the status keeps the parent from becoming the command.
  const script = `/bin/sh -c "exec ${command} 2>&1"; exit $?`;
  const { status, stdout } = spawnSync(parent, ['-c', script], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', log],
  });
  return { status, printed: stdout };
}

const CASES: [string, string[], NodeJS.ProcessEnv, RegExp][] = [
  [
    'a directory that is not there',
    ['-p', '/nowhere'],
    {},
    /There is no directory \/nowhere for the socket: make it, .* or name another with -p\.$/,
  ],
  ['a directory that is a file', ['-p', '/dev/null'], {}, /There is no directory \/dev\/null for the socket/],
  [
    'a directory that cannot be written',
    ['-p', NOT_WRITABLE],
    {},
    /The directory \/proc cannot be written by user \d+, .*: give it to the user that Kong runs as/,
  ],
  [
    'a path that is too long for a socket',
    ['-p', `${prefix}/${'x'.repeat(107)}`],
    {},
    /is too long by \d+ bytes: name a directory with a shorter path with -p/,
  ],
  [
    'a setting that cannot be',
    ['-p', prefix],
    { ARR_WORKER_THREADS: '99' },
    /ARR_WORKER_THREADS must be an integer from 0 to 64/,
  ],
  [
    'a secrets file that is not there',
    ['-p', prefix],
    { ARR_SECRETS_FILE: '/nowhere' },
    /secrets_file names the file \/nowhere/,
  ],
  ['an option that there is not', ['--prefix', prefix], {}, /unknown option '--prefix'/],
];

describe.each(CASES)('%s', (_what, args, env, sentence) => {
  const SENTENCE_AT_END = new RegExp(sentence.source, 'm');

  test('is an entry of its own in the error log of nginx', () => {
    const file = join(prefix, 'error.log');
    const log = openSync(file, 'w');
    const { printed } = run(NGINX, log, args, env);
    closeSync(log);
    const text = readFileSync(file, 'utf8');

    const head =
      /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[error\] \d+#0: \[async-request-reply\] the plugin server ended: /;
    expect(text).toMatch(head);
    expect(text.trimEnd().replace(head, '')).toMatch(SENTENCE_AT_END);
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(printed).toMatch(SENTENCE_AT_END);
  });

  test('exits as a command that cannot be run if the log cannot be written, which Kong logs as an error', () => {
    // A socket can be written by nobody who has to open it.
    expect(run(NGINX, 'pipe', args, env).status).toBe(127);
  });

  test('is printed to a terminal, with exit code 1, or 2 for wrong usage', () => {
    const { status, printed } = run('/bin/sh', 'pipe', args, env);
    expect(printed).toMatch(SENTENCE_AT_END);
    expect(status).toBe(args[0] === '--prefix' ? 2 : 1);
  });
});
