// The one version of the package, which stands in its package.json.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The `version` of the package.json nearest above this file: the compiled tree is one folder deeper than the sources. */
export function packageVersion(directory: string = __dirname): string {
  const file = join(directory, 'package.json');
  if (existsSync(file)) {
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  const parent = dirname(directory);
  return parent === directory ? 'unknown' : packageVersion(parent);
}
