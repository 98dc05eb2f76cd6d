/**
 * Converts a declaration to Kong's schema language, as plain data for JavaScript and for Lua. As in Kong's own plugins, a
 * field with a default is `required`, so that null is an error.
 */
import type { Rule } from '../rule';
import type { RecordSchema, SettingSchema } from '../setting-schema';
import { toEntityChecks } from './entity-checks';
import type { Dialect, KongData } from './kong-data';
import { toLuaPattern } from './lua-pattern';
import { LUA_CODE } from './to-lua';

/** kong/db/schema/metaschema.lua rejects descriptions outside these lengths. */
const DESCRIPTION_LENGTH = { min: 10, max: 500 };

function checkDescription(description: string | undefined): string {
  const length = description?.length ?? 0;
  if (description === undefined || length < DESCRIPTION_LENGTH.min || length > DESCRIPTION_LENGTH.max) {
    throw new Error(`Kong requires a description of 10 to 500 characters, not: ${description ?? 'none'}`);
  }
  return description;
}

/** Without `err` Kong's message repeats the invalid value, even if it is secret. */
function errorOf(schema: SettingSchema): KongData {
  return schema['x-says'] === undefined ? {} : { err: `must be ${schema['x-says']}` };
}

function stringChecks(schema: SettingSchema, place: Place): KongData {
  if (schema.enum !== undefined) {
    return { one_of: schema.enum };
  }
  const { match, match_any: matchAny, len_eq: lenEq, check } = schema['x-kong'] ?? {};
  const luaPattern =
    match ??
    (schema.pattern === undefined || matchAny !== undefined ? undefined : toLuaPattern(schema.pattern));
  return {
    ...(schema.not === undefined ? {} : { not_one_of: schema.not.enum }),
    // Kong rejects an empty string unless len_min allows it.
    ...(lenEq !== undefined || (schema.minLength ?? 1) <= 1 ? {} : { len_min: schema.minLength ?? 1 }),
    ...(lenEq !== undefined || schema.maxLength === undefined ? {} : { len_max: schema.maxLength }),
    ...(lenEq === undefined ? {} : { len_eq: lenEq }),
    ...(luaPattern === undefined ? {} : { match: luaPattern }),
    ...(matchAny === undefined ? {} : { match_any: { patterns: matchAny } }),
    ...(check === undefined || place.dialect !== 'lua'
      ? {}
      : { custom_validator: { [LUA_CODE]: 'is_json_object' } }),
  };
}

function integerChecks(schema: SettingSchema): KongData {
  if (schema.enum !== undefined) {
    return { one_of: schema.enum };
  }
  if (schema.minimum === undefined || schema.maximum === undefined) {
    throw new Error('an integer needs bounds');
  }
  return { between: [schema.minimum, schema.maximum] };
}

function listChecks(schema: SettingSchema, { dialect }: Place): KongData {
  return {
    ...(schema.items === undefined
      ? {}
      : { elements: toKongField(schema.items, { path: '', rules: [], dialect }) }),
    ...(schema.minItems === undefined ? {} : { len_min: schema.minItems }),
    ...(schema.maxItems === undefined ? {} : { len_max: schema.maxItems }),
  };
}

function recordChecks(schema: SettingSchema, { path, rules, dialect }: Place): KongData {
  const checks = toEntityChecks(rules, path, dialect);
  return {
    fields: toKongFields(schema as RecordSchema, rules, dialect, path),
    ...(checks.length === 0 ? {} : { entity_checks: checks }),
  };
}

interface Place {
  /** Dotted path of the field; empty inside a list, since no rule applies there. */
  readonly path: string;
  readonly rules: readonly Rule[];
  readonly dialect: Dialect;
  readonly isRequired?: boolean;
}

const CHECKS: Record<SettingSchema['type'], (schema: SettingSchema, place: Place) => KongData> = {
  string: stringChecks,
  integer: integerChecks,
  boolean: () => ({}),
  array: listChecks,
  object: recordChecks,
};

function toKongField(schema: SettingSchema, place: Place): KongData {
  const { referenceable, encrypted } = schema['x-kong'] ?? {};
  const isRecord = schema.type === 'object';
  const isRequired = place.isRequired === true || schema.default !== undefined;
  return {
    description: checkDescription(schema.description),
    type: schema.type === 'array' && schema.uniqueItems === true ? 'set' : isRecord ? 'record' : schema.type,
    // A record without `required` is required (make_records_required in kong/db/schema/entity.lua).
    ...(isRequired || (isRecord && place.path !== '') ? { required: isRequired } : {}),
    // Kong fills a required record from the defaults of its fields.
    ...(schema.default === undefined || isRecord ? {} : { default: schema.default }),
    ...(referenceable === true ? { referenceable } : {}),
    ...(encrypted === true ? { encrypted } : {}),
    ...CHECKS[schema.type](schema, place),
    ...errorOf(schema),
  };
}

/**
 * @param rules a rule whose fields are all in one record becomes an entity check of that record; the others belong to the
 *   top of Kong's Lua schema, which JavaScript cannot set
 */
export function toKongFields(
  schema: RecordSchema,
  rules: readonly Rule[],
  dialect: Dialect,
  path = '',
): KongData[] {
  return Object.entries(schema.properties).map(([name, inner]) => ({
    [name]: toKongField(inner, {
      path: path === '' ? name : `${path}.${name}`,
      rules,
      dialect,
      isRequired: (schema.required ?? []).includes(name),
    }),
  }));
}
