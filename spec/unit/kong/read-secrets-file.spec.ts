import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSecretsFile } from '../../../kong/process/read-secrets-file';

const directory = mkdtempSync(join(tmpdir(), 'arr-secrets-file-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileWith(text: string): string {
  const file = join(directory, 'secrets');
  writeFileSync(file, text);
  return file;
}

test('there are no secrets if no file is set', () => {
  expect([...readSecretsFile(undefined)]).toEqual([]);
});

test.each([
  [
    'YAML',
    'a: whsec_x\nb: |\n  line 1\n  line 2\n',
    [
      ['a', 'whsec_x'],
      ['b', 'line 1\nline 2\n'],
    ],
  ],
  ['JSON', '{"a": "whsec_x"}', [['a', 'whsec_x']]],
])('reads %s', (_kind, text, secrets) => {
  expect([...readSecretsFile(fileWith(text))]).toEqual(secrets);
});

test.each([
  ['is neither', 'a: "planted', 'neither YAML nor JSON (line 1)'],
  ['is a list', '- planted', 'no mapping'],
  ['is a text', 'planted', 'no mapping'],
  ['is empty', '', 'no mapping'],
  ['has a number', 'a: 5', 'in which a is not a text'],
  ['has a record', 'a: {b: planted}', 'in which a is not a text'],
  ['has an empty secret', 'a: ""', 'in which a is not a text'],
  ['has one name twice', 'a: planted\na: planted2', 'neither YAML nor JSON (line 2)'],
])('a file that %s is rejected without quoting it', (_what, text, message) => {
  const read = (): unknown => readSecretsFile(fileWith(text));
  expect(read).toThrow(message);
  expect(read).not.toThrow('planted');
});

test('a missing file is rejected', () => {
  expect(() => readSecretsFile(join(directory, 'nothing'))).toThrow('cannot be read');
});
