/** From rules between fields to Kong's entity checks: data where Kong has a word for the rule, Lua where it has none. */
import type { Rule } from '../rule';
import type { KongData } from './kong-data';

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

/** The record that holds every field of a rule directly; empty for the top. */
export function homeOf(rule: Rule): string {
  const homes = new Set(fieldsOf(rule).map((field) => field.slice(0, Math.max(0, field.lastIndexOf('.')))));
  const [home] = homes;
  return homes.size === 1 && home !== undefined ? home : '';
}

/** `prefix` is put before each field: the checks at the top of Kong's schema stand beside `config`, not in it. */
function toEntityCheck(rule: Rule, name: (field: string) => string): KongData | undefined {
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
    case 'distinct':
      return { distinct: rule.fields.map(name) };
    case 'order':
      return undefined;
  }
}

function checksOf(rules: readonly Rule[], name: (field: string) => string): KongData[] {
  return rules.map((rule) => toEntityCheck(rule, name)).filter((check) => check !== undefined);
}

/** The checks that are data, for the rules at home in the record at `path`, with names relative to it. */
export function toEntityChecks(rules: readonly Rule[], path: string): KongData[] {
  if (path === '') return [];
  const own = rules.filter((rule) => homeOf(rule) === path);
  return checksOf(own, (field) => field.slice(path.length + 1));
}

/** The checks that are data, for the rules of no single record, named from the top of Kong's schema. */
export function toTopEntityChecks(rules: readonly Rule[]): KongData[] {
  const own = rules.filter((rule) => homeOf(rule) === '');
  return checksOf(own, (field) => `config.${field}`);
}
