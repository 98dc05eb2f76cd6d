import { isLuaTable, luaText, type LuaTable, type LuaValue } from '../rpc/lua-value';
import type { EntityCheck, SchemaField } from './kong-schema';

/** Checks a field's value against a schema. */
type Validate = (field: SchemaField, value: LuaValue) => boolean;

/**
 * What a record's fields have to be together.
 * @param invalid fields that are wrong by themselves: checks of what is set or not leave those alone
 * @returns a message for each check that fails, in Kong's words
 */
export function entityViolations(
  record: SchemaField,
  value: LuaTable,
  invalid: string[],
  validate: Validate,
): string[] {
  return (record.entity_checks ?? []).flatMap((check) => {
    const named = check.mutually_required ?? check.mutually_exclusive ?? [];
    if (named.some((name) => invalid.includes(name))) return [];
    return violation(record, value, check, validate) ?? [];
  });
}

function violation(
  record: SchemaField,
  value: LuaTable,
  check: EntityCheck,
  validate: Validate,
): string | null {
  const full = (names: string[]): string[] => names.filter((name) => isFull(value[name]));
  const {
    at_least_one_of: some,
    only_one_of: one,
    mutually_required: all,
    mutually_exclusive: single,
  } = check;
  if (some && full(some).length === 0) return `at least one of these fields must be non-empty: ${list(some)}`;
  if (one && full(one).length !== 1) return `exactly one of these fields must be non-empty: ${list(one)}`;
  if (all && full(all).length > 0 && full(all).length < all.length) {
    return `all or none of these fields must be set: ${list(all)}`;
  }
  if (single && full(single).length > 1) {
    return `only one or none of these fields must be set: ${list(single)}`;
  }
  if (check.distinct) {
    const values = full(check.distinct).map((name) => luaText(value[name]));
    if (new Set(values).size < values.length) {
      return `values of these fields must be distinct: ${list(check.distinct)}`;
    }
  }
  return conditional(record, value, check, validate);
}

function conditional(
  record: SchemaField,
  value: LuaTable,
  { conditional_at_least_one_of: check }: EntityCheck,
  validate: Validate,
): string | null {
  if (!check) return null;
  const given = value[check.if_field];
  const field = (record.fields ?? [])
    .map((entry) => entry[check.if_field])
    .find((found) => found !== undefined);
  if (given === undefined || !field || !validate({ ...field, ...check.if_match }, given)) return null;
  if (check.then_at_least_one_of.some((name) => isFull(value[name]))) return null;
  const names = list(check.then_at_least_one_of);
  return check.then_err?.replace('%s', names) ?? `at least one of these fields must be non-empty: ${names}`;
}

function isFull(value: LuaValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isLuaTable(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== '';
}

function list(names: string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
