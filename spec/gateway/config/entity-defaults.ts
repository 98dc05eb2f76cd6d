import { randomUUID } from 'node:crypto';
import type { LuaTable } from '../rpc/lua-value';
import type { Consumer, Route, Service } from './entities';
import { entityId, WORKSPACE_ID } from './entity-id';

/** A service with its `url` taken apart, which wins over what is said beside it, its ID and Kong's defaults (kong/db/schema/entities/services.lua). */
export function serviceDefaults(fields: LuaTable): Service {
  const { url, ...given } = fields;
  const now = Math.floor(Date.now() / 1000);
  return {
    created_at: now,
    updated_at: now,
    retries: 5,
    protocol: 'http',
    port: 80,
    connect_timeout: 60000,
    write_timeout: 60000,
    read_timeout: 60000,
    enabled: true,
    ...given,
    ...(typeof url === 'string' ? fromUrl(url) : {}),
    id: idOf(given, 'services'),
    ws_id: WORKSPACE_ID,
  } as LuaTable as Service;
}

function fromUrl(url: string): LuaTable {
  const match = /^(?:([a-z]+):\/\/)?(?:[^@/]*@)?(\[[^\]]+\]|[^:/?#]+)(?::(\d+))?([^?#]*)/i.exec(url);
  const [, scheme, host = '', port, path = ''] = match ?? [];
  const protocol = scheme ?? (port === '443' ? 'https' : 'http');
  return {
    protocol,
    host,
    port: port === undefined ? (protocol === 'https' ? 443 : 80) : Number(port),
    path: path === '' ? undefined : path,
  };
}

/** A route with its ID and Kong's defaults (kong/db/schema/entities/routes.lua). */
export function routeDefaults(fields: LuaTable, service: Service | null): Route {
  const now = Math.floor(Date.now() / 1000);
  const given = { ...fields };
  delete given['service'];
  return {
    created_at: now,
    updated_at: now,
    protocols: ['http', 'https'],
    https_redirect_status_code: 426,
    strip_path: true,
    preserve_host: false,
    request_buffering: true,
    response_buffering: true,
    regex_priority: 0,
    path_handling: 'v0',
    ...given,
    ...(service ? { service: { id: service.id } } : {}),
    id: idOf(given, 'routes'),
    ws_id: WORKSPACE_ID,
  } as LuaTable as Route;
}

/** A consumer with its ID. */
export function consumerDefaults(fields: LuaTable): Consumer {
  const now = Math.floor(Date.now() / 1000);
  const name = fields['username'];
  const id = fields['id'] ?? (typeof name === 'string' ? entityId('consumers', name) : randomUUID());
  return { created_at: now, updated_at: now, ...fields, id } as LuaTable as Consumer;
}

function idOf(fields: LuaTable, entity: string): string {
  if (typeof fields['id'] === 'string') return fields['id'];
  // Without a name Kong makes a random ID: nothing that lasts may hang on it.
  return typeof fields['name'] === 'string' ? entityId(entity, fields['name']) : randomUUID();
}
