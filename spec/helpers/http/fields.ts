/** One header field: its name in the case it came in, its value with a character per byte. */
export type Field = readonly [name: string, value: string];

/** Header fields as a spec writes them: in order, or by name where order does not matter. */
export type FieldsInput = readonly Field[] | Readonly<Record<string, string | readonly string[]>>;

export function toFields(input: FieldsInput = []): Field[] {
  if (isList(input)) return [...input];
  return Object.entries(input).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : value.map((one) => [name, one] as const),
  );
}

/** The values of every field of that name, in order. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  const wanted = name.toLowerCase();
  return fields.filter(([candidate]) => candidate.toLowerCase() === wanted).map(([, value]) => value);
}

/** @returns undefined where there is no such field @throws where there are several: a spec wants to know */
export function valueOf(fields: readonly Field[], name: string): string | undefined {
  const values = valuesOf(fields, name);
  if (values.length > 1) throw new Error(`${name} came ${values.length} times: ${JSON.stringify(values)}`);
  return values[0];
}

export function hasField(fields: readonly Field[], name: string): boolean {
  return valuesOf(fields, name).length > 0;
}

function isList(input: FieldsInput): input is readonly Field[] {
  return Array.isArray(input);
}
