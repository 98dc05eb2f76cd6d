// Looks header fields up by name. Names compare without case (RFC 9110, 5.1).
import type { HeaderField } from './reply';

/** The values of all fields with this name, in their order. */
export function fieldValues(fields: readonly HeaderField[], name: string): string[] {
  const wanted = name.toLowerCase();
  return fields.filter(([field]) => field.toLowerCase() === wanted).map(([, value]) => value);
}

/** The value of the first field with this name; undefined if there is none. */
export function fieldValue(fields: readonly HeaderField[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  return fields.find(([field]) => field.toLowerCase() === wanted)?.[1];
}
