import type { LuaValue } from '../rpc/lua-value';

/**
 * A JSON text as Kong's cjson reads it, strings of bytes in and out: null stays a value, an empty object is an empty
 * table, and anything but an object or an array is nothing.
 */
export function decodeLuaJson(text: string): LuaValue {
  try {
    const value = JSON.parse(text.replace(ESCAPES, utf8Escape)) as unknown;
    return typeof value === 'object' && value !== null ? toLua(value) : null;
  } catch {
    return null;
  }
}

/** A pair of surrogates or one escape; an escaped backslash before it is taken along, so that it is not misread. */
const ESCAPES = /\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}/g;

/** Escapes above ASCII become the bytes of their UTF-8. */
function utf8Escape(escape: string): string {
  if (escape === '\\\\') return escape;
  const text = JSON.parse(`"${escape}"`) as string;
  return text.charCodeAt(0) < 0x80 ? escape : Buffer.from(text, 'utf8').toString('latin1');
}

function toLua(value: unknown): LuaValue {
  if (Array.isArray(value)) return value.map(toLua);
  if (typeof value !== 'object' || value === null) return value as LuaValue;
  const entries = Object.entries(value);
  return entries.length === 0 ? [] : new Map(entries.map(([key, item]) => [key, toLua(item)]));
}
