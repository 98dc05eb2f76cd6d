import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { configSchema } from '../../../schemas/config';
import { configRules } from '../../../schemas/config/rules';
import { fieldsOf } from '../../../schemas/emit/entity-checks';
import { toLuaPattern } from '../../../schemas/emit/lua-pattern';
import { processSettingsRules, processSettingsSchema } from '../../../schemas/process-settings';
import { resolveConfig } from '../../../schemas/resolve-config';
import type { SettingSchema } from '../../../schemas/setting-schema';

function everyField(schema: SettingSchema, path: string): [string, SettingSchema][] {
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
    everyField(inner, path === '' ? name : `${path}.${name}`),
  );
  return [
    [path, schema],
    ...properties,
    ...(schema.items === undefined ? [] : everyField(schema.items, `${path}[]`)),
  ];
}

const FIELDS = [...everyField(configSchema, ''), ...everyField(processSettingsSchema, '')];

describe('every declared field', () => {
  test.each(FIELDS)('%s has a description that Kong takes', (_, { description = '' }) => {
    expect(description.length).toBeGreaterThanOrEqual(10);
    expect(description.length).toBeLessThanOrEqual(500);
    expect(description).toMatch(/\.$/);
  });

  test('has bounds', () => {
    const unbounded = FIELDS.filter(([, { type, minimum, maximum, maxLength, maxItems, enum: options }]) => {
      if (options !== undefined) return false;
      if (type === 'integer') return minimum === undefined || maximum === undefined;
      return (type === 'string' && maxLength === undefined) || (type === 'array' && maxItems === undefined);
    });
    expect(unbounded.map(([path]) => path)).toEqual([]);
  });

  test('refuses an unknown field where it is a record', () => {
    const open = FIELDS.filter(
      ([, schema]) => schema.type === 'object' && schema.additionalProperties !== false,
    );
    expect(open.map(([path]) => path)).toEqual([]);
  });

  test('is encrypted where its name says that it is a secret', () => {
    const secretly = FIELDS.filter(([path]) => /password|secret$|secrets\[\]|client_key|keys\[\]/.test(path));
    expect(secretly.length).toBeGreaterThanOrEqual(7);
    for (const [path, schema] of secretly) {
      expect([path, schema['x-kong']]).toEqual([
        path,
        expect.objectContaining({ referenceable: true, encrypted: true }),
      ]);
    }
  });
});

test.each([
  ['the configuration', configSchema],
  ['the process settings', processSettingsSchema],
])('the declaration of %s is JSON Schema', async (_, schema) => {
  expect(await new Ajv().validateSchema(schema)).toBe(true);
});

test('rules name fields that are declared', () => {
  const known = new Set(FIELDS.map(([path]) => path));
  const named = [...configRules, ...processSettingsRules].flatMap(fieldsOf);
  expect(named.filter((field) => !known.has(field))).toEqual([]);
});

test('the sample spells out what an empty configuration gives', () => {
  const text = readFileSync(join(__dirname, '../../../schemas/generated/kong-sample.yml'), 'utf8');
  const sample = parse(text) as { plugins: [{ name: string; config: unknown }] };
  expect(sample.plugins[0].name).toBe('async-request-reply');
  expect(resolveConfig(sample.plugins[0].config)).toEqual(resolveConfig({}));
});

test('a commented field of the sample is one that has no default', () => {
  const text = readFileSync(join(__dirname, '../../../schemas/generated/kong-sample.yml'), 'utf8');
  const commented = [...text.matchAll(/^ +# ([a-z_]+):$/gm)].map(([, name]) => name);
  expect(commented).toEqual(
    expect.arrayContaining(['poll_queues', 'status_url', 'rate_limit', 'kafka', 'cluster_nodes']),
  );
  expect(commented).not.toContain('methods');
});

describe('toLuaPattern', () => {
  test.each([
    ['^[A-Za-z0-9._-]+$', '^[A-Za-z0-9%.%_%-]+$'],
    ['^[A-Z-]+$', '^[A-Z%-]+$'],
    ["^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "^[%!%#%$%%%&%'%*%+%.%^%_%`%|%~0-9A-Za-z%-]+$"],
  ])('writes %s as %s', (expression, pattern) => {
    expect(toLuaPattern(expression)).toBe(pattern);
  });

  test.each(['^a+$', '[a]+', '^[a]+$|b', '^[a\\d]+$', '^[a]{2}$'])(
    'refuses %s, which has no like in Lua',
    (expression) => {
      expect(() => toLuaPattern(expression)).toThrow('no Lua pattern');
    },
  );
});
