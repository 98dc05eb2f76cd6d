import { isLuaTable, luaText, type LuaTable, type LuaValue } from '../rpc/lua-value';
import { entityViolations } from './entity-checks';
import { eachField, isRequired, withDefaults, type SchemaField } from './kong-schema';
import { luaPattern } from './lua-pattern';

/** Messages by field, nested as the configuration is; the words are Kong's (kong/db/schema/init.lua). */
export type Violations = string | Violations[] | { [field: string]: Violations };

/** @returns what is wrong with a value as it was given, its defaults not in place yet; or null */
export function schemaViolations(field: SchemaField, value: LuaValue): Violations | null {
  if (value === null) return isRequired(field) ? 'required field missing' : null;
  if (value === undefined) return missingViolations(field);
  const wrongType = typeViolation(field, value);
  if (wrongType) return wrongType;
  if (field.type === 'record') return recordViolations(field, value as LuaTable);
  if (Array.isArray(value)) return arrayViolations(field, value);
  if (field.type === 'map') return mapViolations(field, value as LuaTable);
  return scalarViolation(field, value);
}

function missingViolations(field: SchemaField): Violations | null {
  if (field.default !== undefined || !isRequired(field)) return null;
  return field.type === 'record' ? recordViolations(field, {}) : 'required field missing';
}

function typeViolation(field: SchemaField, value: LuaValue): string | null {
  const fits: Record<string, () => boolean> = {
    string: () => typeof value === 'string',
    number: () => typeof value === 'number',
    integer: () => Number.isInteger(value),
    boolean: () => typeof value === 'boolean',
    array: () => Array.isArray(value),
    set: () => Array.isArray(value),
    map: () => isLuaTable(value),
    record: () => isLuaTable(value),
  };
  const words: Record<string, string> = { integer: 'an integer', array: 'an array' };
  if (fits[field.type]?.() ?? true) return null;
  return `expected ${words[field.type] ?? `a ${field.type}`}`;
}

function recordViolations(record: SchemaField, value: LuaTable): Violations | null {
  const found: Record<string, Violations> = {};
  const fields = new Map(eachField(record));
  for (const name of Object.keys(value)) if (!fields.has(name)) found[name] = 'unknown field';
  for (const [name, field] of fields) {
    const violation = schemaViolations(field, value[name]);
    if (violation) found[name] = violation;
  }
  const filled = withDefaults(record, value) as LuaTable;
  const validate = (field: SchemaField, item: LuaValue): boolean => schemaViolations(field, item) === null;
  const together = entityViolations(record, filled, Object.keys(found), validate);
  if (together.length > 0) found['@entity'] = together;
  return Object.keys(found).length > 0 ? found : null;
}

function arrayViolations(field: SchemaField, items: LuaValue[]): Violations | null {
  const length = lengthViolation(field, items.length);
  if (length) return length;
  if (!field.elements) return null;
  const found: Violations[] = [];
  for (const [index, item] of items.entries()) {
    const violation = schemaViolations({ ...field.elements, required: true }, item);
    if (violation) found[index] = violation;
  }
  return found.length > 0 ? found : null;
}

function mapViolations(field: SchemaField, map: LuaTable): Violations | null {
  const length = lengthViolation(field, Object.keys(map).length);
  if (length) return length;
  for (const [key, item] of Object.entries(map)) {
    const violation =
      (field.keys && schemaViolations(field.keys, key)) ??
      (field.values && schemaViolations(field.values, item));
    if (violation) return violation;
  }
  return null;
}

function scalarViolation(field: SchemaField, value: LuaValue): string | null {
  if (field.referenceable && typeof value === 'string' && /^\{vault:\/\/.+\}$/.test(value)) return null;
  const own = typeof value === 'string' ? textViolation(field, value) : numberViolation(field, value);
  const violation = own ?? choiceViolation(field, value);
  return violation === null ? null : (field.err ?? violation);
}

function choiceViolation(field: SchemaField, value: LuaValue): string | null {
  if (field.eq !== undefined && value !== field.eq) return `value must be ${luaText(field.eq)}`;
  if (field.one_of && !field.one_of.includes(value)) {
    return `expected one of: ${field.one_of.map(luaText).join(', ')}`;
  }
  if (field.not_one_of?.includes(value)) {
    return `must not be one of: ${field.not_one_of.map(luaText).join(', ')}`;
  }
  return null;
}

function numberViolation(field: SchemaField, value: LuaValue): string | null {
  if (typeof value !== 'number') return null;
  if (field.between && (value < field.between[0] || value > field.between[1])) {
    return `value should be between ${field.between[0]} and ${field.between[1]}`;
  }
  return field.gt !== undefined && value <= field.gt ? `value must be greater than ${field.gt}` : null;
}

function textViolation(field: SchemaField, value: string): string | null {
  // A string in Kong is at least one byte long unless its schema says otherwise.
  const length = lengthViolation({ ...field, len_min: field.len_min ?? 1 }, value.length);
  if (length) return length;
  if (field.match !== undefined && !luaPattern(field.match).test(value)) return `invalid value: ${value}`;
  const any = field.match_any;
  if (any && !any.patterns.some((pattern) => luaPattern(pattern).test(value))) {
    return any.err ?? `invalid value: ${value}`;
  }
  return null;
}

function lengthViolation(field: SchemaField, length: number): string | null {
  if (field.len_eq !== undefined && length !== field.len_eq) return `length must be ${field.len_eq}`;
  if (field.len_min !== undefined && length < field.len_min) {
    return `length must be at least ${field.len_min}`;
  }
  if (field.len_max !== undefined && length > field.len_max) return `length must be at most ${field.len_max}`;
  return null;
}
