import { luaText, type LuaTable, type LuaValue } from '../rpc/lua-value';

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

/** `ngx.encode_args` with the names in order, as Kong's `set_query` writes them. */
export function encodeArgs(args: LuaTable): string {
  const parts = Object.entries(args).map(([name, value]) => {
    const values = Array.isArray(value) ? value : [value];
    const shown = values.filter((item) => item !== false && item !== null && item !== undefined);
    return shown.map((item) =>
      item === true ? escapeArg(name) : `${escapeArg(name)}=${escapeArg(luaText(item))}`,
    );
  });
  return parts
    .map((part) => part.join('&'))
    .sort()
    .join('&');
}

function escapeArg(text: string): string {
  return text.replace(
    /[^\w.~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
