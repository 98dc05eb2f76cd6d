/** Checks the rules between fields (rule.ts) on a configuration whose defaults are filled in. */
import type { ConfigProblem } from './config-error';
import type { Rule } from './rule';

/** The value at a dotted path; undefined if a record on the path is absent. */
function valueAt(config: unknown, path: string): unknown {
  let value = config;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

type DistinctRule = Extract<Rule, { kind: 'distinct' }>;

function findRepeated(config: unknown, rule: DistinctRule): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const field of rule.fields) {
    const value = valueAt(config, field);
    if (typeof value !== 'string') {
      continue;
    }
    const key = rule.ignoreCase === true ? value.toLowerCase() : value;
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      return [earlier, field];
    }
    seen.set(key, field);
  }
  return undefined;
}

type NameField = (path: string) => string;

function checkRule(config: unknown, rule: Rule, nameField: NameField): ConfigProblem | undefined {
  const isSet = (field: string): boolean => valueAt(config, field) !== undefined;
  const listNames = (fields: readonly string[], word: string): string => fields.map(nameField).join(word);
  switch (rule.kind) {
    case 'needs': {
      const applies = rule.is === undefined ? isSet(rule.when) : valueAt(config, rule.when) === rule.is;
      if (!applies || isSet(rule.field)) {
        return undefined;
      }
      const reason = `${nameField(rule.when)} is ${rule.is ?? 'set'}`;
      const field = nameField(rule.field);
      return { field, message: `${field} is missing. It is required because ${reason}.` };
    }
    case 'together': {
      const missing = rule.fields.filter((field) => !isSet(field));
      const [first] = missing;
      if (first === undefined || missing.length === rule.fields.length) {
        return undefined;
      }
      const what = missing.length === 1 ? 'is' : 'are';
      const together = `${listNames(rule.fields, ', ')} belong together`;
      const message = `${listNames(missing, ' and ')} ${what} missing: ${together}. Set all of them or none.`;
      return { field: nameField(first), message };
    }
    case 'exclusive': {
      const given = rule.fields.filter(isSet);
      const [, second] = given;
      if (second === undefined) {
        return undefined;
      }
      const message = `${listNames(given, ' and ')} exclude each other. Remove one of them.`;
      return { field: nameField(second), message };
    }
    case 'order': {
      const [low, high] = [valueAt(config, rule.low), valueAt(config, rule.high)];
      if (typeof low !== 'number' || typeof high !== 'number' || low <= high) {
        return undefined;
      }
      const field = nameField(rule.high);
      const message = `${field} is ${high}, which is less than ${nameField(rule.low)} (${low}). Raise ${field} or lower ${nameField(rule.low)}.`;
      return { field, message };
    }
    case 'distinct': {
      const pair = findRepeated(config, rule);
      if (pair === undefined) {
        return undefined;
      }
      const [earlier, later] = pair.map(nameField);
      return {
        field: nameField(pair[1]),
        message: `${later} and ${earlier} have the same value. Use different values.`,
      };
    }
  }
}

/**
 * @param nameField returns the name of a field in problems, given its path
 * @returns one problem for each violated rule; the schema checks the types of the values
 */
export function checkRules(config: unknown, rules: readonly Rule[], nameField: NameField): ConfigProblem[] {
  return rules.map((rule) => checkRule(config, rule, nameField)).filter((problem) => problem !== undefined);
}
