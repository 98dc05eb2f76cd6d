// Checks the parts of a request against compiled schemas. A regular expression may take arbitrarily long, so that only
// validator-thread.ts runs this.
import type { ErrorObject, ValidateFunction } from 'ajv';
import { compileSchema } from './compile-schema';
import { parseJson, pointerSegment } from './parse-json';
import {
  REQUEST_PARTS,
  type RequestPart,
  type RequestParts,
  type RequestSchemas,
  type ValidationError,
  type ValidationOutcome,
} from './request-schemas';

export type CompiledSchemas = ReadonlyMap<RequestPart, ValidateFunction>;

/** The errors that a client gets: a body full of errors must not cause a response of megabytes. */
const MAX_ERRORS = 100;

const MAX_POINTER_CHARACTERS = 512;

/** @throws Error if a schema does not compile. */
export function compileSchemas(schemas: RequestSchemas): CompiledSchemas {
  const compiled = new Map<RequestPart, ValidateFunction>();
  for (const part of REQUEST_PARTS) {
    const text = schemas[part];
    if (text !== undefined) {
      compiled.set(part, compileSchema(text, part));
    }
  }
  return compiled;
}

export function validate(compiled: CompiledSchemas, parts: RequestParts): ValidationOutcome {
  const errors = [...bodyErrors(compiled, parts), ...fieldErrors(compiled, parts)];
  return errors.length === 0 ? { kind: 'valid' } : { kind: 'invalid', errors: errors.slice(0, MAX_ERRORS) };
}

function bodyErrors(compiled: CompiledSchemas, { body }: RequestParts): ValidationError[] {
  const check = compiled.get('body');
  if (check === undefined || body === undefined) {
    return [];
  }
  const parsed = parseJson(body);
  return parsed.kind === 'json'
    ? run('body', check, parsed.value)
    : [errorOf('body', parsed.pointer, 'json', parsed.message)];
}

function fieldErrors(compiled: CompiledSchemas, { query, headers }: RequestParts): ValidationError[] {
  const errors: ValidationError[] = [];
  const checkQuery = compiled.get('query');
  const checkHeaders = compiled.get('headers');
  if (checkQuery !== undefined && query !== undefined) {
    errors.push(...run('query', checkQuery, queryObject(query)));
  }
  if (checkHeaders !== undefined && headers !== undefined) {
    errors.push(...run('headers', checkHeaders, headersObject(headers)));
  }
  return errors;
}

function run(part: RequestPart, check: ValidateFunction, value: unknown): ValidationError[] {
  try {
    return check(value) ? [] : (check.errors ?? []).map((error) => toError(part, error));
  } catch (error) {
    if (error instanceof RangeError) {
      return [errorOf(part, '', 'depth', 'is nested too deeply')];
    }
    throw error;
  }
}

function toError(
  part: RequestPart,
  { instancePath, keyword, message, params }: ErrorObject,
): ValidationError {
  // For an extra member ajv points to its object. A pointer to the member itself is more useful.
  const { additionalProperty, unevaluatedProperty } = params as Readonly<Record<string, unknown>>;
  const member = additionalProperty ?? unevaluatedProperty;
  const pointer = typeof member === 'string' ? instancePath + pointerSegment(member) : instancePath;
  return errorOf(part, pointer, keyword, message ?? 'is not valid');
}

const errorOf = (part: RequestPart, pointer: string, keyword: string, message: string): ValidationError => ({
  in: part,
  pointer: pointer.slice(0, MAX_POINTER_CHARACTERS),
  keyword,
  message,
});

/** An argument that is given several times is an array. No name has a special meaning. */
function queryObject(entries: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const object = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of entries) {
    const before = object[name];
    if (Array.isArray(before)) {
      before.push(value);
    } else {
      object[name] = before === undefined ? value : [before, value];
    }
  }
  return object;
}

/** Fields with one name are joined by commas (RFC 9110, 5.3), cookies by semicolons (RFC 9113, 8.2.3). */
function headersObject(fields: readonly (readonly [string, string])[]): Record<string, string> {
  const object = Object.create(null) as Record<string, string>;
  for (const [name, value] of fields) {
    const before = object[name];
    object[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return object;
}
