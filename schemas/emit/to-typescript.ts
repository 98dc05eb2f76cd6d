/** Converts a declaration to TypeScript: one interface for each record, with the descriptions as comments. */
import type { RecordSchema, SettingSchema } from '../setting-schema';

function typeOf(schema: SettingSchema): string {
  if (schema.enum !== undefined) {
    return schema.enum
      .map((option) => (typeof option === 'string' ? `'${option}'` : String(option)))
      .join(' | ');
  }
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array': {
      const element = schema.items === undefined ? 'unknown' : typeOf(schema.items);
      return element.includes(' ') ? `readonly (${element})[]` : `readonly ${element}[]`;
    }
    case 'object':
      if (schema['x-type'] === undefined) {
        throw new Error('a record needs a name for its type');
      }
      return schema['x-type'];
  }
}

function isAlwaysThere(name: string, schema: SettingSchema, parent: SettingSchema): boolean {
  return schema.default !== undefined || (parent.required ?? []).includes(name);
}

function interfaceOf(schema: RecordSchema): string {
  const lines = Object.entries(schema.properties).flatMap(([name, inner]) => [
    `  /** ${inner.description ?? ''} */`,
    `  readonly ${name}${isAlwaysThere(name, inner, schema) ? '' : '?'}: ${typeOf(inner)};`,
  ]);
  return [
    `/** ${schema.description ?? ''} */`,
    `export interface ${typeOf(schema)} {`,
    ...lines,
    '}',
    '',
  ].join('\n');
}

/** The records of a declaration without duplicates, inner records first. */
function recordsOf(schema: SettingSchema, found: Map<string, RecordSchema>): Map<string, RecordSchema> {
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
  ];
  for (const each of inner) {
    recordsOf(each, found);
  }
  if (schema.properties !== undefined) {
    found.set(typeOf(schema), schema as RecordSchema);
  }
  return found;
}

interface TypescriptOptions {
  /** A declaration whose interfaces are in another generated file, and the relative path of that file. */
  readonly elsewhere: { readonly schema: RecordSchema; readonly path: string };
}

export function toTypescript(schema: RecordSchema, options?: TypescriptOptions): string {
  const elsewhere = new Set(
    options === undefined ? [] : recordsOf(options.elsewhere.schema, new Map()).keys(),
  );
  const own = [...recordsOf(schema, new Map())]
    .filter(([name]) => !elsewhere.has(name))
    .map(([, record]) => record);
  const used = own
    .flatMap((record) => Object.values(record.properties).map(typeOf))
    .filter((name) => elsewhere.has(name));
  const imports =
    used.length === 0 ? [] : [`import type { ${used.join(', ')} } from '${options?.elsewhere.path}';\n`];
  return [...imports, ...own.map(interfaceOf)].join('\n');
}
