/** Writes data as a Lua table constructor. */
import type { JsonValue } from '../setting-schema';

const LUA_KEYWORDS = new Set(
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
);
const WIDTH = 110;

/** An object with this single key is written as Lua code, its value: the name of a function, or a call. */
export const LUA_CODE = '$lua';

function quote(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}

function keyOf(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) && !LUA_KEYWORDS.has(name) ? name : `[${quote(name)}]`;
}

function entriesOf(value: object, indent: string): string[] {
  if (Array.isArray(value)) {
    return value.map((item: JsonValue) => toLua(item, indent));
  }
  return Object.entries(value).map(
    ([name, inner]: [string, JsonValue]) => `${keyOf(name)} = ${toLua(inner, indent)}`,
  );
}

/** @param indent indentation of the line on which the value begins */
export function toLua(value: JsonValue, indent = ''): string {
  if (typeof value === 'string') {
    return quote(value);
  }
  if (typeof value !== 'object') {
    return String(value);
  }
  const code = LUA_CODE in value ? value[LUA_CODE] : undefined;
  if (typeof code === 'string') {
    return code;
  }
  const deeper = `${indent}  `;
  const entries = entriesOf(value, deeper);
  const line = `{ ${entries.join(', ')} }`;
  if (entries.length === 0) {
    return '{}';
  }
  if (!line.includes('\n') && indent.length + line.length <= WIDTH) {
    return line;
  }
  return ['{', ...entries.map((entry) => `${deeper}${entry},`), `${indent}}`].join('\n');
}
