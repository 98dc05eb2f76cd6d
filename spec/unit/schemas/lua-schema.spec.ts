import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kongSchema } from '../../../schemas/kong-schema';
import { LuaCode, readLuaTable, type LuaValue } from './lua-table';

const ROOT = join(__dirname, '../../..');
const OWN = 'kong/plugins/async-request-reply/schema.lua';
const KONNECT = 'kong/konnect/schema.lua';

interface LuaSchema {
  readonly name: string;
  readonly fields: readonly [
    { readonly protocols: LuaValue },
    { readonly config: { readonly fields: LuaValue } },
  ];
  readonly entity_checks: LuaValue;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function parse(path: string): LuaSchema {
  return readLuaTable(read(path)) as unknown as LuaSchema;
}

function isCustomCheck(value: LuaValue): boolean {
  return typeof value === 'object' && 'custom_entity_check' in value;
}

/** Without what only Lua can say: functions, and the checks that call them. */
function withoutCode(value: LuaValue): LuaValue {
  if (Array.isArray(value)) return value.filter((item) => !isCustomCheck(item)).map(withoutCode);
  if (typeof value !== 'object' || value instanceof LuaCode) return value;
  const kept = Object.entries(value)
    .filter(([, inner]) => !(inner instanceof LuaCode))
    .map(([name, inner]): [string, LuaValue] => [name, withoutCode(inner)])
    .filter(([name, inner]) => !(name === 'entity_checks' && Array.isArray(inner) && inner.length === 0));
  return Object.fromEntries(kept);
}

function codeIn(value: LuaValue): string[] {
  if (value instanceof LuaCode) return [value.text];
  return typeof value === 'object' ? Object.values(value).flatMap(codeIn) : [];
}

describe.each([OWN, KONNECT])('%s', (path) => {
  test('declares the same fields as the schema in JavaScript', () => {
    expect(withoutCode(parse(path).fields[1].config.fields)).toEqual(kongSchema);
  });

  test('is for http and https', () => {
    expect(parse(path).fields[0].protocols).toMatchObject({
      default: ['http', 'https'],
      elements: { one_of: ['http', 'https'] },
    });
  });

  test('checks across records', () => {
    expect(JSON.stringify(parse(path).entity_checks)).toContain('config.kafka');
    expect(JSON.stringify(parse(path).entity_checks)).toContain('config.idempotency.header');
  });

  test('compares numbers', () => {
    expect(codeIn(parse(path) as unknown as LuaValue)).toEqual(
      expect.arrayContaining(['in_order("backoff_ms","max_backoff_ms")', 'in_order("default_ms","max_ms")']),
    );
  });
});

describe('the copy for Konnect', () => {
  test('holds no require', () => {
    expect(read(KONNECT)).not.toMatch(/^[^-\n]*\brequire\b\s*[("']/m);
    expect(read(OWN)).toMatch(/^[^-\n]*\brequire\b\s*[("']/m);
  });

  test('differs from the other in the check of JSON text only', () => {
    const code = (path: string): string[] => codeIn(parse(path) as unknown as LuaValue);
    expect(code(OWN).filter((text) => text !== 'is_json_object')).toEqual(code(KONNECT));
    expect(code(OWN).filter((text) => text === 'is_json_object')).toHaveLength(3);
  });
});
