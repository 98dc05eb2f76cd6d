import { luaText, type LuaValue } from '../rpc/lua-value';
import type { HeaderList } from './header-list';

/** `ngx.header[name] = value` with Kong's normalization: arrays make repeated fields, an empty value is a space. */
export function setResponseHeader(headers: HeaderList, name: string, value: LuaValue): void {
  if (isTransferEncoding(name)) return;
  headers.set(name.replaceAll('_', '-'), headerTexts(value));
}

/** `kong.response.add_header`: keeps the fields that are there. */
export function addResponseHeader(headers: HeaderList, name: string, value: LuaValue): void {
  if (isTransferEncoding(name)) return;
  for (const text of headerTexts(value)) headers.add(name.replaceAll('_', '-'), text);
}

export function headerTexts(value: LuaValue): string[] {
  const items = Array.isArray(value) ? value : typeof value === 'object' ? [] : [value];
  const hole = items.findIndex((item) => item === null || item === undefined);
  return (hole < 0 ? items : items.slice(0, hole)).map((item) => (item === '' ? ' ' : luaText(item)));
}

function isTransferEncoding(name: string): boolean {
  return /^transfer[-_]encoding$/i.test(name);
}
