/**
 * Creates a resolver from a declaration. It normalizes the input, lets ajv fill in the defaults and check every field,
 * checks the rules between fields, and throws one error with every problem. ajv compiles at the first call and not at
 * import, since Kong also imports the plugin only to read its schema.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { checkRules } from './check-rules';
import { cleanInput } from './clean-input';
import { ConfigError, type ConfigProblem } from './config-error';
import { describeBadValue, describeMissing, describeUnknown } from './describe-problem';
import { formats } from './formats';
import type { Rule } from './rule';
import type { RecordSchema, SettingSchema } from './setting-schema';

interface ResolverOptions {
  readonly schema: RecordSchema;
  readonly rules: readonly Rule[];
  /** First words of the error's message: "The plugin's configuration". */
  readonly subject: string;
}

function compile(schema: RecordSchema): ValidateFunction {
  // A spec checks the declarations against the meta-schema. Here the check would double the time of the first start.
  const ajv = new Ajv({ allErrors: true, useDefaults: true, formats, meta: false, validateSchema: false });
  ajv.addVocabulary(['x-kong', 'x-says', 'x-default', 'x-name', 'x-type']);
  return ajv.compile(schema);
}

interface Place {
  readonly path: string;
  readonly schema: SettingSchema;
  readonly value: unknown;
}

function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Follows one of ajv's JSON Pointers through the declaration and the input. */
function locate(pointer: string, root: SettingSchema, input: unknown): Place {
  let place: Place = { path: '', schema: root, value: input };
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const inItems = place.schema.type === 'array';
    const schema = inItems ? place.schema.items : place.schema.properties?.[name];
    if (schema === undefined) {
      break;
    }
    const path = inItems ? `${place.path}[${name}]` : joinPath(place.path, name);
    place = { path, schema, value: (place.value as Record<string, unknown>)[name] };
  }
  return place;
}

function toProblem(error: ErrorObject, place: Place, nameField: (path: string) => string): ConfigProblem {
  const { path, schema, value } = place;
  const properties = schema.properties ?? {};
  if (error.keyword === 'additionalProperties') {
    const { additionalProperty } = error.params as { additionalProperty: string };
    const field = nameField(joinPath(path, additionalProperty.slice(0, 64)));
    return { field, message: describeUnknown(field, Object.keys(properties)) };
  }
  if (error.keyword === 'required') {
    const { missingProperty } = error.params as { missingProperty: string };
    const field = nameField(joinPath(path, missingProperty));
    return { field, message: describeMissing(field, properties[missingProperty] ?? schema) };
  }
  const field = nameField(path);
  return { field, message: describeBadValue(field, schema, value) };
}

/** Keeps the first problem of each field: it states everything that the field must satisfy. */
function withoutRepetition(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const byField = new Map<string, ConfigProblem>();
  for (const problem of problems) {
    if (!byField.has(problem.field)) {
      byField.set(problem.field, problem);
    }
  }
  return [...byField.values()];
}

/** What a caller that read the input from somewhere adds to the error. */
interface ResolveContext {
  /** Returns the name of a field in problems, given its dotted path. By default it is the path. */
  readonly nameField?: (path: string) => string;
  /** Problems that the caller found. They are listed first. */
  readonly problems?: readonly ConfigProblem[];
}

/**
 * @returns a function that returns a new value of the declared form with every default, or throws ConfigError
 */
export function createResolver<T>(options: ResolverOptions): (input: unknown, context?: ResolveContext) => T {
  const { schema, rules, subject } = options;
  let validate: ValidateFunction | undefined;
  return (input, context = {}) => {
    const nameField = context.nameField ?? ((path: string): string => path);
    const earlier = context.problems ?? [];
    validate ??= compile(schema);
    const value = cleanInput(input ?? {}, schema);
    if (typeof value !== 'object' || Array.isArray(value)) {
      const message = 'It must be a record of settings, or absent.';
      throw new ConfigError(subject, [{ field: '', message }]);
    }
    validate(value);
    const bad = (validate.errors ?? []).map((error) =>
      toProblem(error, locate(error.instancePath, schema, value), nameField),
    );
    const problems = withoutRepetition([...earlier, ...bad, ...checkRules(value, rules, nameField)]);
    if (problems.length > 0) {
      throw new ConfigError(subject, problems);
    }
    // The type T is generated from the schema that validated the value.
    return value as T;
  };
}
