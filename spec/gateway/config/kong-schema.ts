import { isLuaTable, type LuaTable, type LuaValue } from '../rpc/lua-value';

/** A field of a Kong plugin schema, as far as data can express it (what `--dump-all-plugins` can print). */
export interface SchemaField {
  type: string;
  required?: boolean;
  default?: LuaValue;
  fields?: Record<string, SchemaField>[];
  elements?: SchemaField;
  keys?: SchemaField;
  values?: SchemaField;
  one_of?: LuaValue[];
  between?: [number, number];
  gt?: number;
  len_min?: number;
  len_max?: number;
  len_eq?: number;
  match?: string;
  match_any?: { patterns: string[]; err?: string };
  not_one_of?: LuaValue[];
  eq?: LuaValue;
  /** The message of a failed check, instead of the default one. */
  err?: string;
  /** May contain a reference to a vault, which is not checked further. */
  referenceable?: boolean;
  entity_checks?: EntityCheck[];
}

export interface EntityCheck {
  at_least_one_of?: string[];
  only_one_of?: string[];
  mutually_required?: string[];
  mutually_exclusive?: string[];
  distinct?: string[];
  conditional_at_least_one_of?: {
    if_field: string;
    if_match: Partial<SchemaField>;
    then_at_least_one_of: string[];
    then_err?: string;
  };
}

/**
 * Fills in defaults as Kong does: an absent field takes its default, and an absent record is expanded unless its schema
 * says that it is not required. What is null stays away, default or not.
 */
export function withDefaults(field: SchemaField, value: LuaValue): LuaValue {
  if (value === null) return undefined;
  if (value === undefined) return missing(field);
  if (field.type === 'record' && isLuaTable(value)) return fillRecord(field, value);
  if ((field.type === 'array' || field.type === 'set') && Array.isArray(value) && field.elements) {
    const elements = field.elements;
    return value.map((item) => withDefaults(elements, item));
  }
  if (field.type === 'map' && isLuaTable(value) && field.values) {
    const values = field.values;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withDefaults(values, item)]));
  }
  return value;
}

function missing(field: SchemaField): LuaValue {
  if (field.default !== undefined) return withDefaults(field, structuredClone(field.default));
  return field.type === 'record' && isRequired(field) ? fillRecord(field, {}) : undefined;
}

function fillRecord(record: SchemaField, given: LuaTable): LuaTable {
  const filled: LuaTable = {};
  for (const [name, field] of eachField(record)) {
    const value = withDefaults(field, given[name]);
    if (value !== undefined) filled[name] = value;
  }
  return filled;
}

/** A record is required unless its schema says otherwise, any other field only if it says so. */
export function isRequired(field: SchemaField): boolean {
  return field.required ?? field.type === 'record';
}

/** The fields of a record, which Kong's schemas list as tables of one key each. */
export function eachField(record: SchemaField): [string, SchemaField][] {
  return (record.fields ?? []).flatMap((entry) => Object.entries(entry));
}
