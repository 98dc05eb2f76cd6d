/** Resolves the settings of a process from the environment and the settings file. */
import type { ConfigProblem } from './config-error';
import { createResolver } from './create-resolver';
import { describeUnknown } from './describe-problem';
import type { ProcessSettings } from './generated/process-settings-type';
import { parseVariable } from './parse-variable';
import { processSettingsRules, processSettingsSchema } from './process-settings';
import { readSettingsFile } from './read-settings-file';
import { settingNames, type SettingName } from './setting-names';

const resolve = createResolver<ProcessSettings>({
  schema: processSettingsSchema,
  rules: processSettingsRules,
  subject: 'The settings of the process',
});

const NAMES = settingNames(processSettingsSchema);

/** The file cannot name itself or another file. */
const FILE_NAMES = NAMES.map(({ name }) => name).filter((name) => name !== 'settings_file');

/** An empty variable counts as absent: compose files and unit files set a blank setting to the empty string. */
function readVariable(env: NodeJS.ProcessEnv, { variable, schema }: SettingName): unknown {
  const text = env[variable]?.trim();
  return text === undefined || text === '' ? undefined : parseVariable(text, schema);
}

function findUnknown(file: object): ConfigProblem[] {
  const unknown = Object.keys(file).filter((name) => !FILE_NAMES.includes(name));
  return unknown.map((name) => ({ field: name, message: describeUnknown(name.slice(0, 64), FILE_NAMES) }));
}

/**
 * Reads each setting from its variable (`ARR_REDIS_HOST`), else from the file (`redis_host`); else it has its default.
 * Elements of lists in variables are separated by commas, and nodes are `host:port`. Other variables are ignored.
 *
 * @param file the settings by name; by default the JSON file that ARR_SETTINGS_FILE names
 * @throws ConfigError with every problem, in which each setting has the name that the administrator wrote
 */
export function resolveSettings(
  env: NodeJS.ProcessEnv,
  file: object = readSettingsFile(env['ARR_SETTINGS_FILE']),
): ProcessSettings {
  const given: Record<string, unknown> = { redis: {} };
  const calledBy = new Map<string, string>();
  const inFile = new Map<string, unknown>(Object.entries(file));
  for (const setting of NAMES) {
    const variable = readVariable(env, setting);
    const [outer, inner] = setting.path;
    const value = variable ?? inFile.get(setting.name);
    if (inner === undefined) {
      given[outer] = value;
    } else {
      (given[outer] as Record<string, unknown>)[inner] = value;
    }
    calledBy.set(setting.path.join('.'), variable === undefined ? setting.name : setting.variable);
  }
  const nameField = (path: string): string =>
    path.replace(/^[^[]*?(?=\[|$)/, (outer) => calledBy.get(outer) ?? outer);
  return resolve(given, { nameField, problems: findUnknown(file) });
}
