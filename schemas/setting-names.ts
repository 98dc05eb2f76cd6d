/** The flat names of the process settings, as they are written in the settings file and, in capitals, in the environment. */
import type { RecordSchema, SettingSchema } from './setting-schema';

export interface SettingName {
  /** As in the settings file: `redis_host`. */
  readonly name: string;
  /** As in the environment: `ARR_REDIS_HOST`. */
  readonly variable: string;
  /** As in the resolved settings: `redis`, `host`. */
  readonly path: readonly [string] | readonly [string, string];
  readonly schema: SettingSchema;
}

function toSettingName(path: SettingName['path'], schema: SettingSchema): SettingName {
  const name = schema['x-name'] ?? path.join('_');
  return { name, variable: `ARR_${name.toUpperCase()}`, path, schema };
}

/** @returns every setting of a declaration in its order; records in it are one level deep */
export function settingNames(schema: RecordSchema): SettingName[] {
  return Object.entries(schema.properties).flatMap(([name, inner]) =>
    inner.type === 'object'
      ? Object.entries(inner.properties ?? {}).map(([below, each]) => toSettingName([name, below], each))
      : [toSettingName([name], inner)],
  );
}
