import { isLuaTable, type LuaTable, type LuaValue } from '../rpc/lua-value';

/** A field of a Kong plugin schema, as far as data alone can say it (what `--dump-all-plugins` can hold). */
export interface SchemaField {
  type: string;
  required?: boolean;
  default?: LuaValue | undefined;
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
  entity_checks?: Record<string, LuaValue>[];
}

/**
 * Fills in defaults as Kong does on insert and select: an absent field takes its default, an absent record is expanded
 * only where it is required, everything else stays absent.
 */
export function withDefaults(field: SchemaField, value: LuaValue): LuaValue {
  if (value === undefined || value === null) {
    if (field.default !== undefined)
      return withDefaults({ ...field, default: undefined }, clone(field.default));
    return field.type === 'record' && field.required ? fillRecord(field, {}) : undefined;
  }
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

function fillRecord(record: SchemaField, given: LuaTable): LuaTable {
  const filled: LuaTable = {};
  for (const [name, field] of eachField(record)) {
    const value = withDefaults(field, given[name]);
    if (value !== undefined && value !== null) filled[name] = value;
  }
  return filled;
}

/** The fields of a record, which Kong's schemas list as tables of one key each. */
export function eachField(record: SchemaField): [string, SchemaField][] {
  return (record.fields ?? []).flatMap((entry) => Object.entries(entry));
}

function clone(value: LuaValue): LuaValue {
  return structuredClone(value);
}
