/**
 * Normalizes the input from Kong or from a file for the check against the declarations. The result is a deep copy without
 * nulls and without the keys that Kong adds. An empty Lua table that became `{}` is `[]` again, and sets have no duplicates.
 */
import type { SettingSchema } from './setting-schema';

/** Keys that Kong adds to every record of a configuration (kong/db/schema/init.lua), in addition to those that begin with `__`. */
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
 * @param schema the declaration of this value; without one the value is not changed, and the check rejects it
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
