/** Finds environment variables that look like process settings but are not: otherwise a misspelt setting would be ignored silently. */
import { closest, distance } from 'fastest-levenshtein';
import { processSettingsSchema } from './process-settings';
import { settingNames } from './setting-names';

const KNOWN = settingNames(processSettingsSchema).map(({ variable }) => variable);

/** If a larger share of the name after `ARR_` differs, no setting is suggested. */
const MAX_DIFFERENCE = 0.5;

const MAX_SHOWN = 64;

/**
 * @returns a message for each variable that begins with `ARR_` (in any case) and names no setting. It suggests a similar
 *   name if there is one. It does not contain the variable's value.
 */
export function describeUnknownVariables(env: NodeJS.ProcessEnv): string[] {
  const unknown = Object.keys(env).filter((name) => /^ARR_/i.test(name) && !KNOWN.includes(name));
  return unknown.sort().map((name) => {
    const shown = name.slice(0, MAX_SHOWN);
    const nearest = closest(shown.toUpperCase(), KNOWN);
    const isNear = distance(shown.toUpperCase(), nearest) <= (shown.length - 'ARR_'.length) * MAX_DIFFERENCE;
    const advice = isNear
      ? `Did you mean ${nearest}?`
      : 'docs/configuration.md lists the settings. Some, such as queue.concurrency, are set on the plugin instead.';
    return `${shown} is not a setting of this program and has no effect. ${advice}`;
  });
}
