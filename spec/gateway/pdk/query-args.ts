import type { LuaTable, LuaValue } from '../rpc/lua-value';

/**
 * `ngx.req.get_uri_args`: decoded, values of one name in an array, `true` for an argument without an equals sign.
 * @param max at most so many arguments; 0 is no limit
 */
export function decodeArgs(query: string, max: number): LuaTable {
  const table = Object.create(null) as LuaTable;
  const parts = query.split('&').filter((part) => part !== '');
  for (const part of parts.slice(0, max === 0 ? undefined : max)) {
    const equals = part.indexOf('=');
    const name = unescapeArg(equals < 0 ? part : part.slice(0, equals));
    if (name === '') continue;
    const value: LuaValue = equals < 0 ? true : unescapeArg(part.slice(equals + 1));
    const there = table[name];
    if (there === undefined) table[name] = value;
    else table[name] = [...(Array.isArray(there) ? there : [there]), value];
  }
  return table;
}

function unescapeArg(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([\dA-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
