/**
 * Sentences about fields that cannot be used. The value of a string is never repeated, whatever the field: a password
 * typed into the wrong field must not reach a log. Numbers and booleans are repeated where the field is no secret.
 */
import type { SettingSchema } from './setting-schema';

function isSecret(schema: SettingSchema): boolean {
  return schema['x-kong']?.referenceable === true || schema['x-kong']?.encrypted === true;
}

/** What is there, without saying too much: "a string of 12 characters", "the number 0". */
export function describeShape(value: unknown, schema: SettingSchema): string {
  if (typeof value === 'string') {
    return `a string of ${value.length} character${value.length === 1 ? '' : 's'}`;
  }
  if (typeof value === 'number') {
    return isSecret(schema) ? 'a number' : `the number ${value}`;
  }
  if (typeof value === 'boolean') {
    return isSecret(schema) ? 'a boolean' : String(value);
  }
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  return value === undefined ? 'absent' : 'a record';
}

function describeCount(schema: SettingSchema): string {
  const { minItems, maxItems } = schema;
  if (minItems !== undefined && maxItems !== undefined) {
    return ` of ${minItems} to ${maxItems} elements`;
  }
  return maxItems === undefined ? '' : ` of at most ${maxItems} elements`;
}

/** What the field takes: completes "must be …". */
export function describeExpected(schema: SettingSchema): string {
  if (schema['x-says'] !== undefined) {
    return schema['x-says'];
  }
  if (schema.enum !== undefined) {
    return `one of ${schema.enum.join(', ')}`;
  }
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `an integer from ${schema.minimum} to ${schema.maximum}`;
    case 'string':
      return `a string of ${schema.minLength} to ${schema.maxLength} characters`;
    case 'array':
      return `${schema.uniqueItems === true ? 'a set' : 'a list'}${describeCount(schema)}`;
    case 'object':
      return 'a record';
  }
}

function describeRemedy(schema: SettingSchema): string {
  if (schema['x-default'] !== undefined) {
    return `Correct it, or leave it out for ${schema['x-default']}.`;
  }
  if (schema.default === undefined || schema.type === 'object') {
    return 'Correct it.';
  }
  return `Correct it, or leave it out for the default, ${JSON.stringify(schema.default)}.`;
}

/** A value of the wrong type, out of bounds, or of the wrong form. */
export function describeBadValue(path: string, schema: SettingSchema, value: unknown): string {
  if (value === '' && isSecret(schema)) {
    return `${path} is empty: Kong could not resolve its vault reference. Check that the vault holds a value for it.`;
  }
  if (typeof value === 'string' && value.startsWith('{vault://')) {
    return `${path} is a vault reference that nothing has resolved. Give the value itself here.`;
  }
  return `${path} must be ${describeExpected(schema)}, but is ${describeShape(value, schema)}. ${describeRemedy(schema)}`;
}

/** A field that its record demands. */
export function describeMissing(path: string, schema: SettingSchema): string {
  return `${path} is missing. Set it to ${describeExpected(schema)}.`;
}

/** A field that is not declared; `known` are the names that are. */
export function describeUnknown(path: string, known: readonly string[]): string {
  return `${path} is not a known field. Remove it, or correct its name; known here: ${known.join(', ')}.`;
}
