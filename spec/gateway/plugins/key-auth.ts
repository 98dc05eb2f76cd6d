import type { Entities, KeyAuthCredential } from '../config/entities';
import type { PluginConfig } from '../config/plugin-config';
import { errorAnswer } from '../http/error-answer';
import type { Exchange } from '../http/exchange';
import { decodeArgs } from '../pdk/query-args';
import type { LuaValue } from '../rpc/lua-value';

/** What Kong's `key-auth` does in access; the body is not searched. */
export function keyAuth(exchange: Exchange, config: PluginConfig, entities: Entities): void {
  if (config['run_on_preflight'] === false && exchange.method === 'OPTIONS') return;
  const anonymous = config['anonymous'];
  if (typeof anonymous === 'string' && exchange.context.authenticated_credential) return;
  const refusal = authenticate(exchange, config, entities);
  if (refusal === null) return;
  if (typeof anonymous === 'string') {
    setConsumer(exchange, entities, anonymous, null);
    return;
  }
  const realm = typeof config['realm'] === 'string' ? `Key realm="${config['realm']}"` : 'Key';
  exchange.answer = errorAnswer(exchange, 401, refusal, { 'WWW-Authenticate': realm });
}

/** @returns why not, or null */
function authenticate(exchange: Exchange, config: PluginConfig, entities: Entities): string | null {
  const key = findKey(exchange, config);
  if (Array.isArray(key)) return 'Duplicate API key found';
  if (key === null || key === '') return 'No API key found in request';
  const credential = entities.keys.get(key);
  if (!credential) return 'Unauthorized';
  setConsumer(exchange, entities, credential.consumer.id, credential);
  return null;
}

function findKey(exchange: Exchange, config: PluginConfig): string | string[] | null {
  const headers = exchange.headers.toLua(100);
  const query = decodeArgs(exchange.query ?? '', 100);
  for (const name of config['key_names'] as string[]) {
    let value: LuaValue;
    if (config['key_in_header']) value = headers[name.toLowerCase()];
    if (value === undefined && config['key_in_query']) value = query[name];
    if (Array.isArray(value)) return value as string[];
    if (typeof value !== 'string') continue;
    if (config['hide_credentials']) hide(exchange, name);
    return value;
  }
  return null;
}

function hide(exchange: Exchange, name: string): void {
  exchange.headers.clear(name);
  const kept = (exchange.query ?? '').split('&').filter((part) => part.split('=')[0] !== name);
  if (exchange.query !== null) exchange.query = kept.join('&');
}

/** Sets the consumer and the fields that name it to the upstream; fields of the client with their names are removed. */
function setConsumer(
  exchange: Exchange,
  entities: Entities,
  idOrName: string,
  credential: KeyAuthCredential | null,
): void {
  const consumer =
    entities.consumers.get(idOrName) ??
    [...entities.consumers.values()].find((item) => item['username'] === idOrName) ??
    null;
  exchange.context.authenticated_consumer = consumer;
  exchange.context.authenticated_credential = credential;
  const fields: [string, LuaValue][] = [
    ['X-Consumer-ID', consumer?.id],
    ['X-Consumer-Custom-ID', consumer?.['custom_id']],
    ['X-Consumer-Username', consumer?.['username']],
    ['X-Credential-Identifier', credential?.id],
    ['X-Anonymous-Consumer', credential ? null : 'true'],
  ];
  for (const [name, value] of fields) {
    if (typeof value === 'string') exchange.headers.set(name, value);
    else exchange.headers.clear(name);
  }
}
