/** Checks the rules between fields (rule.ts) on a configuration whose defaults have been filled in. */
import type { ConfigProblem } from './config-error';
import type { Rule } from './rule';

/** The value at a dotted path; undefined where a record on the way is absent. */
function valueAt(config: unknown, path: string): unknown {
  let value = config;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function findRepeated(config: unknown, fields: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const field of fields) {
    const value = valueAt(config, field);
    if (typeof value !== 'string') continue;
    const earlier = seen.get(value.toLowerCase());
    if (earlier !== undefined) return [earlier, field];
    seen.set(value.toLowerCase(), field);
  }
  return undefined;
}

function checkRule(config: unknown, rule: Rule): ConfigProblem | undefined {
  const isSet = (field: string): boolean => valueAt(config, field) !== undefined;
  switch (rule.kind) {
    case 'needs': {
      const applies = rule.is === undefined ? isSet(rule.when) : valueAt(config, rule.when) === rule.is;
      if (!applies || isSet(rule.field)) return undefined;
      const reason = rule.is === undefined ? `${rule.when} is set` : `${rule.when} is ${rule.is}`;
      return { field: rule.field, message: `${rule.field} is missing: ${reason}, which needs it. Set it.` };
    }
    case 'together': {
      const missing = rule.fields.filter((field) => !isSet(field));
      const [first] = missing;
      if (first === undefined || missing.length === rule.fields.length) return undefined;
      return {
        field: first,
        message: `${missing.join(' and ')} missing: ${rule.fields.join(', ')} go together. Set all of them or none.`,
      };
    }
    case 'exclusive': {
      const given = rule.fields.filter(isSet);
      const [, second] = given;
      if (second === undefined) return undefined;
      return { field: second, message: `${given.join(' and ')} exclude each other. Leave one of them out.` };
    }
    case 'order': {
      const [low, high] = [valueAt(config, rule.low), valueAt(config, rule.high)];
      if (typeof low !== 'number' || typeof high !== 'number' || low <= high) return undefined;
      return {
        field: rule.high,
        message: `${rule.high} is ${high}, less than ${rule.low}, which is ${low}. Raise the one or lower the other.`,
      };
    }
    case 'distinct': {
      const pair = findRepeated(config, rule.fields);
      if (pair === undefined) return undefined;
      return { field: pair[1], message: `${pair[1]} is the same as ${pair[0]}. Give them different names.` };
    }
  }
}

/** @returns one problem for each rule that does not hold; values of the wrong type are left to the schema */
export function checkRules(config: unknown, rules: readonly Rule[]): ConfigProblem[] {
  return rules.flatMap((rule) => checkRule(config, rule) ?? []);
}
