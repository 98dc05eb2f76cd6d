// Reads fields of the tables that Kong sends: their shape is Kong's, so that nothing of it is taken on trust.

/** A field of a Lua table, undefined where there is no table or no field. */
export function recordField(table: unknown, name: string): unknown {
  return typeof table === 'object' && table !== null
    ? ((table as Readonly<Record<string, unknown>>)[name] ?? undefined)
    : undefined;
}

export function stringField(table: unknown, name: string): string | undefined {
  const value = recordField(table, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A string that is text, and no header or path: UTF-8, of which the codec gives the bytes. */
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

/** An array of strings; undefined where there is none or it is empty (Lua tells an empty array from no table). */
export function stringsField(table: unknown, name: string): string[] | undefined {
  const value = recordField(table, name);
  if (!Array.isArray(value)) {
    return undefined;
  }
  const strings = value.filter((item): item is string => typeof item === 'string');
  return strings.length === 0 ? undefined : strings;
}
