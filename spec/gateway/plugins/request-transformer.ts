import type { PluginConfig } from '../config/plugin-config';
import type { Exchange } from '../http/exchange';
import { escapePath } from '../http/uri';
import { decodeArgs, encodeArgs } from '../pdk/query-args';
import type { LuaTable, LuaValue } from '../rpc/lua-value';

type Kind = 'headers' | 'querystring';

/** `get_headers` and `get_query` without an argument. */
const DEFAULT_MAX = 100;

/** What Kong's `request-transformer` does in access; of templates and bodies the schema lets none through. */
export function requestTransformer(exchange: Exchange, config: PluginConfig): void {
  const uri = (config['replace'] as LuaTable | undefined)?.['uri'];
  if (typeof uri === 'string') exchange.set.set('upstream_uri', escapePath(uri));
  if (typeof config['http_method'] === 'string') exchange.method = config['http_method'];
  transformHeaders(exchange, config);
  const query = decodeArgs(exchange.query ?? '', DEFAULT_MAX);
  if (transform(query, config, 'querystring')) exchange.query = encodeArgs(query);
}

/** Kong sets every field anew, under its name in lower case. Host it may replace and nothing else. */
function transformHeaders(exchange: Exchange, config: PluginConfig): void {
  const before = exchange.headers.toLua(DEFAULT_MAX);
  const host = before['host'] ?? '';
  const after: LuaTable = { ...before };
  transform(after, config, 'headers');
  for (const name of Object.keys(before)) if (name !== 'host') exchange.headers.clear(name);
  for (const [name, value] of Object.entries(after)) {
    if (name !== 'host') exchange.headers.set(name, value as string | string[]);
    else if (value !== host) {
      exchange.headers.set('Host', value as string);
      exchange.set.set('upstream_host', value as string);
    }
  }
}

/** @returns whether there was anything to do */
function transform(table: LuaTable, config: PluginConfig, kind: Kind): boolean {
  const rules = (action: string): [name: string, value: string][] => entries(config[action], kind);
  const [removed, renamed, replaced, added] = [
    rules('remove'),
    rules('rename'),
    rules('replace'),
    rules('add'),
  ];
  for (const [name] of removed) delete table[name];
  for (const [name, to] of renamed) {
    const value = table[name];
    if (value === undefined) continue;
    delete table[name];
    table[kind === 'headers' ? to.toLowerCase() : to] = value;
  }
  for (const [name, value] of replaced) if (table[name] !== undefined) table[name] = value;
  for (const [name, value] of added) table[name] ??= value;
  return [removed, renamed, replaced, added].some((list) => list.length > 0);
}

/** `name:value`, of which the value is all behind the first colon. */
function entries(action: LuaValue, kind: Kind): [name: string, value: string][] {
  const list = ((action as LuaTable | undefined)?.[kind] ?? []) as string[];
  return list.map((text) => {
    const [name = '', ...value] = text.split(':');
    return [kind === 'headers' ? name.toLowerCase() : name, value.join(':')];
  });
}
