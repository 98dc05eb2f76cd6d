/**
 * Messages about invalid fields. They never contain the value of a string: a password in the wrong field must not reach a
 * log. They contain numbers and booleans unless the field is secret.
 */
import type { SettingSchema } from './setting-schema';

function isSecret(schema: SettingSchema): boolean {
  return schema['x-kong']?.referenceable === true || schema['x-kong']?.encrypted === true;
}

/** Describes a value without exposing it: "a string of 12 characters", "the number 0". */
function describeShape(value: unknown, schema: SettingSchema): string {
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
    return `a list of ${value.length} element${value.length === 1 ? '' : 's'}`;
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

/** The values that the field accepts: completes "must be …". */
function describeExpected(schema: SettingSchema): string {
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
    return `Correct it, or omit it to use ${schema['x-default']}.`;
  }
  if (schema.default === undefined || schema.type === 'object') {
    return 'Correct it.';
  }
  return `Correct it, or omit it to use the default, ${JSON.stringify(schema.default)}.`;
}

/** The value has the wrong type or the wrong form, or is out of bounds. */
export function describeBadValue(path: string, schema: SettingSchema, value: unknown): string {
  if (value === '' && isSecret(schema)) {
    return `${path} is empty because Kong could not resolve its vault reference. Check that the vault has a value for it.`;
  }
  if (typeof value === 'string' && value.startsWith('{vault://')) {
    return `${path} is an unresolved vault reference. Set the value itself.`;
  }
  return `${path} must be ${describeExpected(schema)}, but is ${describeShape(value, schema)}. ${describeRemedy(schema)}`;
}

/** A required field is missing. */
export function describeMissing(path: string, schema: SettingSchema): string {
  return `${path} is missing. Set it to ${describeExpected(schema)}.`;
}

/** The field is not declared. @param known names of the declared fields */
export function describeUnknown(path: string, known: readonly string[]): string {
  return `${path} is not a known field. Remove it or correct its name. Known fields: ${known.join(', ')}.`;
}
