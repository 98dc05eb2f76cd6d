import { randomUUID } from 'node:crypto';
import { parse } from 'yaml';
import { isLuaTable, luaText, type LuaTable, type LuaValue } from '../rpc/lua-value';
import type { Consumer, Entities, Route, Service } from './entities';
import { entityId } from './entity-id';
import { withDefaults, type SchemaField } from './kong-schema';
import { schemaViolations, type Violations } from './schema-violations';
import { routeDefaults, serviceDefaults } from './entity-defaults';

/** What Kong answers with 400 on `POST /config`, and what stops it from starting. */
export class DeclarativeError extends Error {
  override readonly name = 'DeclarativeError';
  constructor(readonly fields: Violations) {
    super(`declarative config is invalid: ${JSON.stringify(fields)}`);
  }
}

const SECTIONS = [
  'services',
  'routes',
  'plugins',
  'consumers',
  'keyauth_credentials',
  'upstreams',
  'targets',
];

/**
 * Reads a declarative configuration as Kong does without a database: nested entities are flattened, absent IDs made
 * from names, shorthands and defaults resolved, references checked.
 * @param schemas the `config` record of every plugin that this gateway knows
 * @throws DeclarativeError
 */
export function readDeclarative(text: string, schemas: Map<string, SchemaField>): Entities {
  const file = bytes(parse(text) as LuaValue);
  if (!isLuaTable(file)) throw new DeclarativeError('expected a table');
  const version = file['_format_version'];
  if (typeof version !== 'string' || !/^(1\.1|2\.1|3\.0)$/.test(version)) {
    throw new DeclarativeError({ _format_version: 'expected one of: 1.1, 2.1, 3.0' });
  }
  for (const key of Object.keys(file)) {
    if (!key.startsWith('_') && !SECTIONS.includes(key))
      throw new DeclarativeError({ [key]: 'unknown field' });
  }
  return new Reader(schemas).read(file);
}

class Reader {
  readonly #entities: Entities = {
    services: new Map(),
    routes: [],
    plugins: [],
    consumers: new Map(),
    keys: new Map(),
    upstreams: new Map(),
  };
  readonly #routes = new Map<string, Route>();

  constructor(private readonly schemas: Map<string, SchemaField>) {}

  read(file: LuaTable): Entities {
    for (const item of tables(file['upstreams'])) this.#upstream(item);
    for (const item of tables(file['targets'])) this.#target(item, str(item['upstream']));
    for (const item of tables(file['consumers'])) this.#consumer(item);
    for (const item of tables(file['keyauth_credentials'])) this.#key(item, this.#consumerOf(item));
    for (const item of tables(file['services'])) this.#service(item);
    for (const item of tables(file['routes'])) this.#route(item, this.#serviceOf(item));
    for (const item of tables(file['plugins'])) this.#plugin(item, {});
    return this.#entities;
  }

  #service(item: LuaTable): void {
    const { routes, plugins, ...fields } = item;
    const service = serviceDefaults(fields);
    this.#entities.services.set(service.id, service);
    for (const route of tables(routes)) this.#route(route, service);
    for (const plugin of tables(plugins)) this.#plugin(plugin, { service });
  }

  #route(item: LuaTable, service: Service | null): void {
    const { plugins, ...fields } = item;
    const route = routeDefaults(fields, service);
    const lists = ['methods', 'hosts', 'headers', 'paths', 'snis'];
    if (lists.every((name) => route[name] === undefined)) {
      throw new DeclarativeError({
        routes: "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis'",
      });
    }
    this.#routes.set(route.id, route);
    this.#entities.routes.push({ route, service });
    for (const plugin of tables(plugins)) this.#plugin(plugin, { route });
  }

  #plugin(item: LuaTable, parent: { route?: Route; service?: Service; consumer?: Consumer }): void {
    const name = str(item['name']) ?? '';
    const schema = this.schemas.get(name);
    if (!schema) throw new DeclarativeError({ plugins: { name: `plugin '${name}' not enabled` } });
    const config = withDefaults(schema, item['config'] ?? {}) as LuaTable;
    const given = isLuaTable(item['config']) ? item['config'] : {};
    const violations = schemaViolations(schema, { ...given, ...config });
    if (violations) throw new DeclarativeError({ plugins: { [name]: { config: violations } } });
    const route = parent.route ?? this.#find(this.#routes, item['route'], 'routes');
    const service = parent.service ?? this.#find(this.#entities.services, item['service'], 'services');
    const consumer = parent.consumer ?? this.#find(this.#entities.consumers, item['consumer'], 'consumers');
    const keyOf = (field: string, entity: { id: string } | undefined): string =>
      str(item[field]) ?? entity?.id ?? '';
    const cacheKey = `plugins:*:${name}:${keyOf('route', route)}:${keyOf('service', service)}:${keyOf('consumer', consumer)}`;
    this.#entities.plugins.push({
      id: str(item['id']) ?? entityId('plugins', cacheKey),
      name,
      enabled: item['enabled'] !== false,
      instanceName: str(item['instance_name']),
      routeId: route?.id ?? null,
      serviceId: service?.id ?? null,
      consumerId: consumer?.id ?? null,
      config,
    });
  }

  #consumer(item: LuaTable): void {
    const { keyauth_credentials: keys, plugins, ...fields } = item;
    const name = str(fields['username']) ?? str(fields['custom_id']) ?? '';
    const now = Math.floor(Date.now() / 1000);
    const id = str(fields['id']) ?? entityId('consumers', name);
    const consumer: Consumer = { created_at: now, updated_at: now, ...fields, id };
    this.#entities.consumers.set(id, consumer);
    for (const key of tables(keys)) this.#key(key, consumer);
    for (const plugin of tables(plugins)) this.#plugin(plugin, { consumer });
  }

  #key(item: LuaTable, consumer: Consumer): void {
    const key = str(item['key']) ?? '';
    // Kong makes up a key where there is none, so that it takes no ID from it: a new one with each configuration.
    const id = str(item['id']) ?? randomUUID();
    const now = Math.floor(Date.now() / 1000);
    this.#entities.keys.set(key, { created_at: now, ...item, id, key, consumer: { id: consumer.id } });
  }

  #upstream(item: LuaTable): void {
    const name = str(item['name']) ?? '';
    this.#entities.upstreams.set(name, { name, hostHeader: str(item['host_header']), targets: [] });
    for (const target of tables(item['targets'])) this.#target(target, name);
  }

  #target(item: LuaTable, upstreamName: string | null): void {
    const upstream = this.#entities.upstreams.get(upstreamName ?? '');
    if (!upstream)
      throw new DeclarativeError({ targets: `invalid reference 'upstream: ${upstreamName ?? ''}'` });
    const [host = '', port = '8000'] = (str(item['target']) ?? '').split(/:(?=\d+$)/);
    const weight = typeof item['weight'] === 'number' ? item['weight'] : 100;
    if (weight > 0) upstream.targets.push({ host, port: Number(port), weight });
  }

  #serviceOf(item: LuaTable): Service | null {
    return this.#find(this.#entities.services, item['service'], 'services') ?? null;
  }

  #consumerOf(item: LuaTable): Consumer {
    const consumer = this.#find(this.#entities.consumers, item['consumer'], 'consumers');
    if (!consumer)
      throw new DeclarativeError({ keyauth_credentials: { consumer: 'required field missing' } });
    return consumer;
  }

  /** A reference is a name, an ID, or a table with either. */
  #find<T extends LuaTable & { id: string }>(
    where: Map<string, T>,
    reference: LuaValue,
    section: string,
  ): T | undefined {
    if (reference === undefined || reference === null) return undefined;
    const wanted = isLuaTable(reference) ? (reference['id'] ?? reference['name']) : reference;
    for (const entity of where.values()) {
      if ([entity.id, entity['name'], entity['username']].includes(wanted)) return entity;
    }
    throw new DeclarativeError({
      [section]: `invalid reference '${luaText(wanted)}' (no such entry in '${section}')`,
    });
  }
}

/** Strings become strings of bytes, which is what Lua has: their UTF-8. */
function bytes(value: LuaValue): LuaValue {
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('latin1');
  if (Array.isArray(value)) return value.map(bytes);
  if (!isLuaTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bytes(item)]));
}

function tables(value: LuaValue): LuaTable[] {
  return Array.isArray(value) ? value.filter(isLuaTable) : [];
}

function str(value: LuaValue): string | null {
  return typeof value === 'string' ? value : null;
}
