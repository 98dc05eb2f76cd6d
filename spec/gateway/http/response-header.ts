import { luaText, type LuaValue } from '../rpc/lua-value';
import type { HeaderList } from './header-list';

/** Fields of which nginx stores one value each: the last of several values counts. */
const SINGLE = new Set([
  'server',
  'date',
  'content-encoding',
  'location',
  'refresh',
  'last-modified',
  'content-range',
  'accept-ranges',
  'www-authenticate',
  'expires',
  'etag',
  'content-length',
  'content-type',
]);

/** True for a field of which nginx stores one value. */
export function isSingleField(name: string): boolean {
  return SINGLE.has(name.toLowerCase());
}

/** `ngx.header[name] = value` with Kong's normalization: arrays make repeated fields, an empty value is a space. */
export function setResponseHeader(headers: HeaderList, name: string, value: LuaValue): void {
  if (isTransferEncoding(name)) return;
  const field = fieldName(name);
  const texts = headerTexts(value).map(escapeValue);
  headers.set(field, SINGLE.has(field.toLowerCase()) ? texts.slice(-1) : texts);
}

/** `kong.response.add_header`: keeps the fields that are there. */
export function addResponseHeader(headers: HeaderList, name: string, value: LuaValue): void {
  if (isTransferEncoding(name)) return;
  for (const text of headerTexts(value)) headers.add(fieldName(name), escapeValue(text));
}

export function headerTexts(value: LuaValue): string[] {
  const items = Array.isArray(value) ? value : typeof value === 'object' ? [] : [value];
  const hole = items.findIndex((item) => item === null || item === undefined);
  return (hole < 0 ? items : items.slice(0, hole)).map((item) => (item === '' ? ' ' : luaText(item)));
}

/** Underscores become dashes, and what may not stand in a name is percent-encoded (ngx_http_lua_util.c). */
function fieldName(name: string): string {
  const dashed = name.replaceAll('_', '-');
  return /^content-type$/i.test(dashed) ? 'Content-Type' : dashed.replace(/[^\w!#$%&'*+.^`|~-]/g, percent);
}

function escapeValue(value: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are the point
  return value.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, percent);
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function isTransferEncoding(name: string): boolean {
  return /^transfer[-_]encoding$/i.test(name);
}
