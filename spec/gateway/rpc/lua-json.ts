import { isLuaTable, type LuaValue } from './lua-value';

/** What must not stand in a JSON string; cjson escapes DEL too, and under Kong not the slash. */
// eslint-disable-next-line no-control-regex -- control characters are the point
const ESCAPED = /["\\\u0000-\u001f\u007f]/g;

/**
 * JSON as Kong's cjson writes it, one character a byte: bytes above 127 as they are, and an empty table as `{}` unless it was an array in the configuration.
 */
export function luaJson(value: LuaValue, emptyArrays: 'array' | 'object' = 'array'): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return quote(value);
  if (Buffer.isBuffer(value)) return quote(value.toString('latin1'));
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) {
    if (value.length === 0 && emptyArrays === 'object') return '{}';
    return `[${value.map((item) => luaJson(item, emptyArrays)).join(',')}]`;
  }
  const entries = value instanceof Map ? [...value] : isLuaTable(value) ? Object.entries(value) : [];
  const present = entries.filter(([, item]) => item !== undefined && item !== null);
  return `{${present.map(([key, item]) => `${quote(key)}:${luaJson(item, emptyArrays)}`).join(',')}}`;
}

const SHORT: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

function quote(text: string): string {
  const escaped = text.replace(
    ESCAPED,
    (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}
