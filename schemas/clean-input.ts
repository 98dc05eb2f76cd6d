/**
 * Turns what Kong sends, or what a file holds, into what the declarations describe: a deep copy without nulls, without
 * the keys that Kong adds for itself, with `[]` where Lua's empty table became `{}`, and with sets free of repetition.
 */
import type { SettingSchema } from './setting-schema';

/** Keys that Kong adds to every record of a configuration (kong/db/schema/init.lua), beside those that begin with `__`. */
const KONG_KEYS = new Set([
  '$refs',
  'route_id',
  'service_id',
  'consumer_id',
  'consumer_group_id',
  'plugin_instance_name',
]);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function cleanRecord(record: Record<string, unknown>, schema: SettingSchema): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(record)) {
    if (inner === null || inner === undefined || name.startsWith('__')) {
      continue;
    }
    const innerSchema = schema.properties?.[name];
    if (innerSchema === undefined && KONG_KEYS.has(name)) {
      continue;
    }
    kept[name] = cleanInput(inner, innerSchema);
  }
  return kept;
}

/**
 * @param schema what is declared for this place; without one the value stays as it is, for the check to refuse it
 */
export function cleanInput(value: unknown, schema: SettingSchema | undefined): unknown {
  if (schema?.type === 'object' && isObject(value)) {
    return cleanRecord(value, schema);
  }
  if (schema?.type !== 'array') {
    return value;
  }
  if (isObject(value) && Object.keys(value).length === 0) {
    return [];
  }
  if (!Array.isArray(value)) {
    return value;
  }
  const items = value.map((item: unknown) => cleanInput(item, schema.items));
  return schema.uniqueItems === true ? [...new Set(items)] : items;
}
