// Reads the file that ARR_SECRETS_FILE names: a mapping from names to secrets, as YAML or JSON. The names are the
// operator's own; a job asks for a secret by its fingerprint.
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { ConfigError } from '../schemas/config-error';

const failure = (path: string, what: string, cause?: unknown): ConfigError =>
  new ConfigError(
    'The settings of the process',
    [{ field: 'secrets_file', message: `secrets_file names ${path}, ${what}` }],
    { cause },
  );

/**
 * @returns the secrets by name; none where no file is named
 * @throws ConfigError where the file cannot be read or is no mapping from names to texts. Its text is not repeated.
 */
export function readSecretsFile(path: string | undefined): ReadonlyMap<string, string> {
  if (path === undefined) {
    return new Map();
  }
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
  const document = parseDocument(text, { logLevel: 'silent' });
  const [mistake] = document.errors;
  if (mistake !== undefined) {
    // The parser's own message quotes the line.
    const line = mistake.linePos?.[0].line;
    throw failure(
      path,
      `which is neither YAML nor JSON${line === undefined ? '' : ` (line ${String(line)})`}.`,
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw failure(path, 'which holds no mapping from names to secrets.');
  }
  const secrets = new Map<string, string>();
  for (const [name, secret] of Object.entries(value)) {
    if (typeof secret !== 'string' || secret.trim() === '') {
      throw failure(
        path,
        `in which ${name} is not a text. Write secrets in quotes, or as a block after "|".`,
      );
    }
    secrets.set(name, secret);
  }
  return secrets;
}
