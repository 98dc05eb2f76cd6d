/** Reads the file that ARR_SETTINGS_FILE names. */
import { readFileSync } from 'node:fs';
import { ConfigError } from './config-error';

function failure(path: string, what: string, cause?: unknown): ConfigError {
  const message = `ARR_SETTINGS_FILE names ${path}, ${what}`;
  return new ConfigError('The settings of the process', [{ field: 'ARR_SETTINGS_FILE', message }], { cause });
}

/**
 * @returns the settings by name, unchecked; none where no file is named
 * @throws ConfigError where the file cannot be read or is no JSON object; its text is not repeated, as it may hold secrets
 */
export function readSettingsFile(path: string | undefined): object {
  if (path === undefined || path === '') return {};
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw failure(
      path,
      'which cannot be read. Check that it is there and that this process may read it.',
      error,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw failure(path, 'which is not JSON. Correct the file.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw failure(path, 'which holds no JSON object. Write the settings as one object.');
}
