import { processSettingsSchema } from '../../../schemas/process-settings';
import { resolveSettings } from '../../../schemas/resolve-settings';
import { settingNames } from '../../../schemas/setting-names';
import type { ProcessSettings } from '../../../schemas/generated/process-settings-type';

const KNOWN = settingNames(processSettingsSchema).map(({ variable }) => variable);

/** What a process makes of an environment. @throws where a variable of ours is no setting, or has a bad value */
export function settingsFrom(environment: Readonly<Record<string, string>>): ProcessSettings {
  const unknown = Object.keys(environment).filter((name) => name.startsWith('ARR_') && !KNOWN.includes(name));
  if (unknown.length > 0) throw new Error(`no such setting: ${unknown.join(', ')}`);
  return resolveSettings(environment, {});
}
