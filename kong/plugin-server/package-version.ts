// The version on the command line. The compiled tree is one folder deeper than the sources.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The `version` of the package.json nearest above `directory`; `unknown` if there is none. */
export function packageVersion(directory: string): string {
  const file = join(directory, 'package.json');
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  const parent = dirname(directory);
  return parent === directory ? 'unknown' : packageVersion(parent);
}
