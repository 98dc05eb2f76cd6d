/**
 * Values as Kong's Lua holds them when they cross the plugin-server socket: a string is a string of bytes (one
 * character a byte, Latin-1), a Buffer is packed as binary, and an empty table cannot be told from an empty array.
 */
export type LuaValue =
  | null
  | undefined
  | boolean
  | number
  | string
  | Buffer
  | LuaValue[]
  | Map<string, LuaValue>
  | { [key: string]: LuaValue };

/** A table that is no array. */
export interface LuaTable {
  [key: string]: LuaValue;
}

/** True of what `pairs` walks by name: not an array, not bytes, not a scalar. */
export function isLuaTable(value: LuaValue): value is LuaTable {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !Buffer.isBuffer(value) &&
    !(value instanceof Map)
  );
}

/** What `error()` does in Lua: ends the plugin's phase, and the client gets Kong's 500. */
export class LuaError extends Error {
  override readonly name = 'LuaError';
}

/** `tostring` in Lua, as far as it can be told: a table has no text of its own. */
export function luaText(value: LuaValue): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'object') return 'table';
  return String(value);
}
