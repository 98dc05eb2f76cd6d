/** Reads the file that ARR_SETTINGS_FILE names. */
import { fileError, readNamedFile } from './read-named-file';

const SETTING = 'ARR_SETTINGS_FILE';

/**
 * @returns the settings by name, unchecked; none if the variable names no file
 * @throws ConfigError if the file cannot be read or is not a JSON object; the error does not repeat its text, which may contain secrets
 */
export function readSettingsFile(path: string | undefined): object {
  if (path === undefined || path === '') {
    return {};
  }
  const text = readNamedFile(SETTING, path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fileError(SETTING, path, 'which is not JSON. Correct the file.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value;
  }
  throw fileError(SETTING, path, 'which is not a JSON object. Write the settings as one object.');
}
