import { execFileSync } from 'node:child_process';
import { accessSync, constants, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { inRoot, readText } from './files';

test('.pongo, which Pongo reads, is pongo/', () => {
  expect(lstatSync(inRoot('.pongo')).isSymbolicLink()).toBe(true);
  expect(readlinkSync(inRoot('.pongo'))).toBe('pongo');
});

test('pongorc has one dependency a line', () => {
  const lines = readText('pongo/pongorc').trimEnd().split('\n');
  expect(lines).toContain('--redis');
  expect(lines.filter((line) => !/^--(no-)?[a-z]+$/.test(line))).toEqual([]);
});

test('the specs have the name that busted looks for', () => {
  expect(readdirSync(inRoot('pongo/async-request-reply'))).toEqual(['01-integration_spec.lua']);
});

test('pongo-setup.sh tells the spec where it built the plugin', () => {
  const home = /^export (\w+)=\/tmp\/\S+$/m.exec(readText('pongo/pongo-setup.sh'))?.[1];
  expect(home).toBeDefined();
  expect(readText('pongo/async-request-reply/01-integration_spec.lua')).toContain(`os.getenv("${home}")`);
});

test.each([
  ['pongo/pongo-setup.sh', 'bash'],
  ['kong/admin-api.sh', 'sh'],
])('%s is a script that %s reads', (path, shell) => {
  expect(readText(path)).toMatch(new RegExp(`^#!/\\S+[/ ]${shell}\n`));
  expect(() => execFileSync(shell, ['-n', inRoot(path)])).not.toThrow();
});

test('admin-api.sh can be executed', () => {
  expect(() => accessSync(inRoot('kong/admin-api.sh'), constants.X_OK)).not.toThrow();
});
