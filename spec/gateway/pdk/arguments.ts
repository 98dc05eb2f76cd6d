import { LuaError, type LuaValue } from '../rpc/lua-value';

/** @throws LuaError unless the argument is a string */
export function stringArgument(value: LuaValue, what: string): string {
  if (typeof value !== 'string') throw new LuaError(`${what} must be a string`);
  return value;
}

/** An optional count from 1 to 1000. @throws LuaError otherwise */
export function countArgument(value: LuaValue, what: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number') throw new LuaError(`${what} must be a number`);
  if (value < 1) throw new LuaError(`${what} must be >= 1`);
  if (value > 1000) throw new LuaError(`${what} must be <= 1000`);
  return value;
}
