import { existsSync } from 'node:fs';
import path from 'node:path';

/** One of our executables, as built. @throws when it is not */
export function ourScript(name: 'plugin-server' | 'worker'): string {
  const file = path.join(__dirname, `../../dist/kong/${name}.js`);
  if (!existsSync(file)) throw new Error(`${file} is not there: run "npm run build" first`);
  return file;
}
