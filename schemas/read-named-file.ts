/** Reads a file that a setting names. */
import { readFileSync } from 'node:fs';
import { ConfigError } from './config-error';

/** An error about a file, which names the setting and the file. It does not repeat the file's text, which may contain secrets. */
export const fileError = (setting: string, path: string, what: string, cause?: unknown): ConfigError =>
  new ConfigError(
    'The settings of the process',
    [{ field: setting, message: `${setting} names the file ${path}, ${what}` }],
    { cause },
  );

/** @throws ConfigError if the file cannot be read */
export function readNamedFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const what = 'which cannot be read. Check that the file exists and that this process may read it.';
    throw fileError(setting, path, what, error);
  }
}
