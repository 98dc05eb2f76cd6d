// What the command lines of the three programs have in common, each seen on the compiled program.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { bin, version } from '../../package.json';

const ROOT = resolve(__dirname, '../..');

/** Longer than any of them takes to print; one that starts its work instead is ended by it. */
const TIME_LIMIT_MS = 20_000;

interface Ending {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (file: string, ...args: string[]): Ending =>
  spawnSync(process.execPath, [resolve(ROOT, file), ...args], { encoding: 'utf8', timeout: TIME_LIMIT_MS });

describe.each(Object.entries(bin))('%s', (name, file) => {
  test('prints its usage with --help, and does nothing else', () => {
    const { status, stdout, stderr } = run(file, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: ${name} `));
    expect(stdout).toMatch(/ARR_\*/);
  });

  test('prints the version of the package', () => {
    expect(run(file, '--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test.each(['--nothing', '--redis-pasword=x', '-x', 'nothing'])(
    'exits 2 with a sentence for %s',
    (argument) => {
      const { status, stdout, stderr } = run(file, argument);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^error: (unknown|too many)/);
      expect(stderr).toContain(`${name} --help`);
    },
  );
});
