import { existsSync } from 'node:fs';
import path from 'node:path';

/** This checkout. */
const HERE = path.join(__dirname, '../..');

/** The path that benchmarks declare which can compare two states of the plugin in one run. */
export const AGAINST = {
  against: 'compare with the plugin of this other checkout too, which is built: before and after a change',
};

/**
 * One of our executables, as built.
 *
 * @param checkout whose; default this one
 * @throws when it is not built
 */
export function ourScript(name: 'plugin-server' | 'worker', checkout = HERE): string {
  const file = path.resolve(checkout, `dist/kong/${name}.js`);
  if (!existsSync(file)) {
    throw new Error(`${file} is not there: run "npm run build" first`);
  }
  return file;
}
