/** Environment variables that look like settings of the processes and are none: a misspelt one would be left undone in silence. */
import { closest, distance } from 'fastest-levenshtein';
import { processSettingsSchema } from './process-settings';
import { settingNames } from './setting-names';

const KNOWN = settingNames(processSettingsSchema).map(({ variable }) => variable);

/** More than this share of the name after `ARR_` differs: it was meant for something else. */
const MAX_DIFFERENCE = 0.5;

const MAX_SHOWN = 64;

/**
 * @returns a sentence for each variable that begins with `ARR_`, in letters of any case, and names no setting: with the
 *   nearest name that does, where one is near. The values are not told.
 */
export function describeUnknownVariables(env: NodeJS.ProcessEnv): string[] {
  const unknown = Object.keys(env).filter((name) => /^ARR_/i.test(name) && !KNOWN.includes(name));
  return unknown.sort().map((name) => {
    const shown = name.slice(0, MAX_SHOWN);
    const nearest = closest(shown.toUpperCase(), KNOWN);
    const isNear = distance(shown.toUpperCase(), nearest) <= (shown.length - 'ARR_'.length) * MAX_DIFFERENCE;
    const advice = isNear
      ? `did you mean ${nearest}?`
      : 'docs/configuration.md lists them, and what is set on the plugin instead, as queue.concurrency is.';
    return `${shown} is no setting of this program, and nothing is done with it: ${advice}`;
  });
}
