/** Converts a declaration to a reference table. */
import type { RecordSchema, SettingSchema } from '../setting-schema';
import { settingNames } from '../setting-names';

function typeOf(schema: SettingSchema): string {
  if (schema.enum !== undefined) {
    return schema.enum.map((option) => `\`${option}\``).join(', ');
  }
  switch (schema.type) {
    case 'integer':
      return `integer, ${schema.minimum} to ${schema.maximum}`;
    case 'array': {
      const element =
        schema.items === undefined
          ? ''
          : ` of ${schema.items.type === 'object' ? 'records' : typeOf(schema.items)}`;
      return `${schema.uniqueItems === true ? 'set' : 'array'}${element}`;
    }
    case 'object':
      return 'record';
    case 'string':
    case 'boolean':
      return schema.type;
  }
}

function formOf(schema: SettingSchema): string {
  const form = schema['x-says'] ?? schema.items?.['x-says'];
  return form === undefined ? '' : ` Form: ${form}.`;
}

function isReferenceable(schema: SettingSchema): boolean {
  return schema['x-kong']?.referenceable === true || schema.items?.['x-kong']?.referenceable === true;
}

function defaultOf(schema: SettingSchema, isNeeded: boolean): string {
  if (schema['x-default'] !== undefined) {
    return schema['x-default'];
  }
  if (isNeeded) {
    return 'required';
  }
  const { default: value } = schema;
  if (value === undefined || schema.type === 'object') {
    return '–';
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? 'none' : value.map((item) => `\`${String(item)}\``).join(' ');
  }
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``;
}

/** Escapes bars, which would end the cell, and asterisks, which would begin emphasis. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\*(?=[\w.*" ])/g, '\\*');
}

/** @param names the first cells, each formatted as code */
function rowOf(names: readonly string[], schema: SettingSchema, isNeeded: boolean, extra = ''): string {
  const meaning = `${schema.description ?? ''}${formOf(schema)}${extra}`;
  const rest = [typeOf(schema), defaultOf(schema, isNeeded), meaning].map(cell);
  return `| ${[...names.map((name) => `\`${name}\``), ...rest].join(' | ')} |`;
}

function rowsOf(schema: SettingSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const path = `${prefix}${name}`;
    const isNeeded = (schema.required ?? []).includes(name);
    const own = rowOf([path], inner, isNeeded, isReferenceable(inner) ? ' Referenceable.' : '');
    // A record that is always present has no row of its own.
    if (inner.type === 'object') {
      return [...(inner.default === undefined ? [own] : []), ...rowsOf(inner, `${path}.`)];
    }
    return [own, ...(inner.items?.type === 'object' ? rowsOf(inner.items, `${path}[].`) : [])];
  });
}

/** The fields of a plugin instance by their dotted paths; `[]` marks elements of lists. */
export function toConfigTable(schema: RecordSchema): string {
  return ['| field | type | default | meaning |', '|---|---|---|---|', ...rowsOf(schema, '')].join('\n');
}

/** The settings of a process by their names in the settings file and in the environment. */
export function toSettingsTable(schema: RecordSchema): string {
  const rows = settingNames(schema).map(({ name, variable, schema: inner }) =>
    rowOf([name, variable], inner, false),
  );
  return ['| setting | variable | type | default | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}
