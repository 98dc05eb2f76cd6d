// Reads the file that ARR_SECRETS_FILE names: a mapping from names to secrets, in YAML or JSON. The administrator chooses
// the names; jobs refer to a secret by its fingerprint.
import { parseDocument } from 'yaml';
import { fileError, readNamedFile } from '../../schemas/read-named-file';

const SETTING = 'secrets_file';

/**
 * @returns the secrets by name; none if no file is named
 * @throws ConfigError if the file cannot be read or is not a mapping from names to strings. The error does not repeat its text.
 */
export function readSecretsFile(path: string | undefined): ReadonlyMap<string, string> {
  if (path === undefined) {
    return new Map();
  }
  const text = readNamedFile(SETTING, path);
  const document = parseDocument(text, { logLevel: 'silent' });
  const [mistake] = document.errors;
  if (mistake !== undefined) {
    // The parser's own message quotes the line.
    const line = mistake.linePos?.[0].line;
    throw fileError(
      SETTING,
      path,
      `which is neither YAML nor JSON${line === undefined ? '' : ` (line ${String(line)})`}.`,
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fileError(SETTING, path, 'which holds no mapping from names to secrets.');
  }
  const secrets = new Map<string, string>();
  for (const [name, secret] of Object.entries(value)) {
    if (typeof secret !== 'string' || secret.trim() === '') {
      throw fileError(
        SETTING,
        path,
        `in which ${name} is not a text. Write secrets in quotes, or as a block after "|".`,
      );
    }
    secrets.set(name, secret);
  }
  return secrets;
}
