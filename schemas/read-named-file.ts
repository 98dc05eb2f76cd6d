/** Reads a file that a setting names. */
import { readFileSync } from 'node:fs';
import { ConfigError } from './config-error';

/** What is wrong with a file, as an error that names setting and file. The file's text is not repeated: it may hold secrets. */
export const fileError = (setting: string, path: string, what: string, cause?: unknown): ConfigError =>
  new ConfigError(
    'The settings of the process',
    [{ field: setting, message: `${setting} names ${path}, ${what}` }],
    { cause },
  );

/** @throws ConfigError where the file cannot be read */
export function readNamedFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const what = 'which cannot be read. Check that it is there and that this process may read it.';
    throw fileError(setting, path, what, error);
  }
}
