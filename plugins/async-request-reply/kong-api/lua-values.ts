// Reads fields of the tables that Kong sends. Every type is checked, since Kong decides on their shape.

/** A field of a Lua table; undefined if there is no table or no field. */
export function recordField(table: unknown, name: string): unknown {
  return typeof table === 'object' && table !== null
    ? ((table as Readonly<Record<string, unknown>>)[name] ?? undefined)
    : undefined;
}

export function stringField(table: unknown, name: string): string | undefined {
  const value = recordField(table, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A string that is text rather than a header or a path. It is UTF-8, of which the codec returns the bytes. */
export function textField(table: unknown, name: string): string | undefined {
  const value = stringField(table, name);
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8');
}

export function numberField(table: unknown, name: string): number | undefined {
  const value = recordField(table, name);
  return typeof value === 'number' ? value : undefined;
}

export function booleanField(table: unknown, name: string): boolean | undefined {
  const value = recordField(table, name);
  return typeof value === 'boolean' ? value : undefined;
}

/** An array of strings; undefined if there is none or it is empty. */
export function stringsField(table: unknown, name: string): string[] | undefined {
  const value = recordField(table, name);
  if (!Array.isArray(value)) {
    return undefined;
  }
  const strings = value.filter((item): item is string => typeof item === 'string');
  return strings.length === 0 ? undefined : strings;
}
