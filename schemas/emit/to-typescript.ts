/** From a declaration to TypeScript: one interface for each record, with the descriptions as comments. */
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
      if (schema['x-type'] === undefined) throw new Error('a record needs a name for its type');
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

/** The records of a declaration, inner ones first, each once. */
function recordsOf(schema: SettingSchema, found: Map<string, RecordSchema>): Map<string, RecordSchema> {
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
  ];
  for (const each of inner) recordsOf(each, found);
  if (schema.properties !== undefined) found.set(typeOf(schema), schema as RecordSchema);
  return found;
}

/** @param imported names of interfaces that another generated file has, by that file's path */
export function toTypescript(
  schema: RecordSchema,
  imported: Readonly<Record<string, readonly string[]>> = {},
): string {
  const elsewhere = new Set(Object.values(imported).flat());
  const imports = Object.entries(imported).map(
    ([file, names]) => `import type { ${names.join(', ')} } from '${file}';\n`,
  );
  const own = [...recordsOf(schema, new Map())].filter(([name]) => !elsewhere.has(name));
  return [...imports, ...own.map(([, record]) => interfaceOf(record))].join('\n');
}
