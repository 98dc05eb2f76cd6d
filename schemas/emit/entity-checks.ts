/** Converts rules between fields to Kong's entity checks: data if Kong has a check for the rule, else Lua code. */
import type { Rule } from '../rule';
import type { Dialect, KongData } from './kong-data';
import { LUA_CODE, toLua } from './to-lua';

export function fieldsOf(rule: Rule): readonly string[] {
  switch (rule.kind) {
    case 'needs':
      return [rule.when, rule.field];
    case 'order':
      return [rule.low, rule.high];
    case 'together':
    case 'exclusive':
    case 'distinct':
      return rule.fields;
  }
}

/** The record that directly contains every field of a rule; empty for the top level. */
function homeOf(rule: Rule): string {
  const homes = new Set(fieldsOf(rule).map((field) => field.slice(0, Math.max(0, field.lastIndexOf('.')))));
  const [home] = homes;
  return homes.size === 1 && home !== undefined ? home : '';
}

type NameOf = (field: string) => string;

/** @param name returns the name of a field relative to the record of the check */
function toEntityCheck(rule: Rule, name: NameOf, dialect: Dialect): KongData | undefined {
  switch (rule.kind) {
    case 'needs': {
      const reason = rule.is === undefined ? `is set` : `is ${rule.is}`;
      return {
        conditional_at_least_one_of: {
          if_field: name(rule.when),
          if_match: rule.is === undefined ? { required: true } : { eq: rule.is },
          then_at_least_one_of: [name(rule.field)],
          then_err: `${name(rule.field)} must be set when ${name(rule.when)} ${reason}`,
        },
      };
    }
    case 'together':
      return { mutually_required: rule.fields.map(name) };
    case 'exclusive':
      return { mutually_exclusive: rule.fields.map(name) };
    case 'distinct': {
      const fields = rule.fields.map(name);
      if (rule.ignoreCase !== true || dialect === 'javascript') {
        return { distinct: fields };
      }
      const fn = { [LUA_CODE]: `differ(${toLua(fields)})` };
      return { custom_entity_check: { field_sources: fields, fn } };
    }
    case 'order': {
      if (dialect === 'javascript') {
        return undefined;
      }
      const [low, high] = [name(rule.low), name(rule.high)];
      const fn = { [LUA_CODE]: `in_order("${low}", "${high}")` };
      return { custom_entity_check: { field_sources: [low, high], fn } };
    }
  }
}

function checksOf(rules: readonly Rule[], dialect: Dialect, name: NameOf): KongData[] {
  return rules.map((rule) => toEntityCheck(rule, name, dialect)).filter((check) => check !== undefined);
}

/** The checks for the rules whose fields are all in the record at `path`, with names relative to it. */
export function toEntityChecks(rules: readonly Rule[], path: string, dialect: Dialect): KongData[] {
  if (path === '') {
    return [];
  }
  const own = rules.filter((rule) => homeOf(rule) === path);
  return checksOf(own, dialect, (field) => field.slice(path.length + 1));
}

/** The checks for the rules across records, with names from the top of Kong's Lua schema. */
export function toTopEntityChecks(rules: readonly Rule[]): KongData[] {
  const own = rules.filter((rule) => homeOf(rule) === '');
  // in_order compares fields of one record by their bare names.
  if (own.some((rule) => rule.kind === 'order')) {
    throw new Error('Kong compares fields of one record only');
  }
  return checksOf(own, 'lua', (field) => `config.${field}`);
}
