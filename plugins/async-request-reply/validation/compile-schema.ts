// Compiles a JSON Schema with ajv: draft 2020-12, or draft-07 if `$schema` says so.
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { RequestPart } from './request-schemas';

const DRAFT_07 = /^http:\/\/json-schema\.org\/draft-07\/schema#?$/;
const DRAFT_2020_12 = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

/** Keywords of OpenAPI that do not affect validity, besides those that begin with `x-`. */
const ANNOTATIONS = ['example', 'externalDocs', 'xml'];

const COMMON: Options = {
  allErrors: true,
  // Own members only: otherwise every object would have `constructor`.
  ownProperties: true,
  // An unknown keyword or format is probably misspelled, and would let requests pass.
  strictSchema: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowMatchingProperties: true,
  validateSchema: true,
  logger: false,
};

/**
 * @param part values of a query or of headers count as a number, boolean or null if the schema requires one, and a single value as an
 *   array.
 * @throws Error whose message says what is wrong with the schema: not JSON, another draft, an unknown or malformed keyword, a pattern
 *   that is not a regular expression, an unresolved `$ref`. Nothing is ever fetched.
 */
export function compileSchema(text: string, part: RequestPart): ValidateFunction {
  const schema: unknown = JSON.parse(text);
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new Error('it is not a JSON object');
  }
  const options: Options = { ...COMMON, coerceTypes: part === 'body' ? false : 'array' };
  const ajv = draftOf(schema) === '07' ? new Ajv(options) : new Ajv2020(options);
  addFormats(ajv);
  ajv.addVocabulary([...ANNOTATIONS, ...extensionsIn(schema)]);
  return ajv.compile(schema);
}

function draftOf(schema: object): '07' | '2020-12' {
  const named = (schema as { $schema?: unknown }).$schema;
  if (named === undefined || (typeof named === 'string' && DRAFT_2020_12.test(named))) {
    return '2020-12';
  }
  if (typeof named === 'string' && DRAFT_07.test(named)) {
    return '07';
  }
  throw new Error('its $schema is neither draft 2020-12 nor draft-07');
}

/** All member names that begin with `x-`, at any depth. */
function extensionsIn(schema: unknown): Set<string> {
  const names = new Set<string>();
  const open: unknown[] = [schema];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value === 'object' && value !== null) {
      Object.keys(value)
        .filter((name) => /^x-[\w-]*$/.test(name))
        .forEach((name) => names.add(name));
      open.push(...Object.values(value as Record<string, unknown>).filter((item) => item !== undefined));
    }
  }
  return names;
}
