import { randomUUID } from 'node:crypto';
import { parse } from 'yaml';
import { isLuaTable, luaText, type LuaTable, type LuaValue } from '../rpc/lua-value';
import { DeclarativeError } from './declarative-error';
import { DeclarativePath } from './declarative-path';
import type { Consumer, Entities, Route, Service } from './entities';
import { consumerDefaults, routeDefaults, serviceDefaults } from './entity-defaults';
import { unknownFields } from './entity-fields';
import { entityId } from './entity-id';
import { withDefaults, type SchemaField } from './kong-schema';
import { schemaViolations } from './schema-violations';

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
 * Reads a declarative configuration, which is YAML 1.1, as Kong does without a database: nested entities are flattened, absent IDs made
 * from names, shorthands and defaults resolved, references checked.
 * @param schemas the `config` record of every plugin that this gateway knows
 * @throws DeclarativeError, or the YAML parser's error
 */
export function readDeclarative(text: string, schemas: Map<string, SchemaField>): Entities {
  const file = bytes(parse(text, { version: '1.1' }) as LuaValue);
  if (!isLuaTable(file)) throw new DeclarativeError('expected a table');
  const version = file['_format_version'];
  if (typeof version !== 'string' || !/^(1\.1|2\.1|3\.0)$/.test(version)) {
    throw new DeclarativeError({ _format_version: 'expected one of: 1.1, 2.1, 3.0' });
  }
  for (const key of Object.keys(file)) {
    if (!key.startsWith('_') && !SECTIONS.includes(key)) {
      throw new DeclarativeError({ [key]: 'unknown field' });
    }
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
  readonly #scopes = new Set<string>();
  readonly #path = new DeclarativePath();

  constructor(private readonly schemas: Map<string, SchemaField>) {}

  read(file: LuaTable): Entities {
    this.#path.each('upstreams', file['upstreams'], (item) => this.#upstream(item));
    this.#path.each('targets', file['targets'], (item) => this.#target(item, str(item['upstream'])));
    this.#path.each('services', file['services'], (item) => this.#service(item));
    this.#path.each('routes', file['routes'], (item) => this.#route(item, this.#serviceOf(item)));
    this.#path.each('consumers', file['consumers'], (item) => this.#consumer(item));
    this.#path.each('keyauth_credentials', file['keyauth_credentials'], (item) => this.#key(item, null));
    this.#path.each('plugins', file['plugins'], (item) => this.#plugin(item, {}));
    return this.#entities;
  }

  #service(item: LuaTable): void {
    const { routes, plugins, ...fields } = item;
    this.#refuseUnknown('services', fields);
    const service = serviceDefaults(fields);
    if (typeof service.host !== 'string') throw this.#path.error({ host: 'required field missing' });
    this.#entities.services.set(service.id, service);
    this.#path.each('routes', routes, (route) => this.#route(route, service));
    this.#path.each('plugins', plugins, (plugin) => this.#plugin(plugin, { service }));
  }

  #route(item: LuaTable, service: Service | null): void {
    const { plugins, ...fields } = item;
    this.#refuseUnknown('routes', fields);
    const route = routeDefaults(fields, service);
    const lists = ['methods', 'hosts', 'headers', 'paths', 'snis'];
    if (lists.every((name) => route[name] === undefined)) {
      throw this.#path.error({ '@entity': [`must set one of '${lists.join("', '")}'`] });
    }
    this.#routes.set(route.id, route);
    this.#entities.routes.push({ route, service });
    this.#path.each('plugins', plugins, (plugin) => this.#plugin(plugin, { route }));
  }

  #plugin(item: LuaTable, parent: { route?: Route; service?: Service; consumer?: Consumer }): void {
    this.#refuseUnknown('plugins', item);
    const name = str(item['name']) ?? '';
    const route = parent.route ?? this.#find(this.#routes, item, 'route');
    const service = parent.service ?? this.#find(this.#entities.services, item, 'service');
    const consumer = parent.consumer ?? this.#find(this.#entities.consumers, item, 'consumer');
    const scope = [name, route?.id, service?.id, consumer?.id].join(':');
    if (this.#scopes.has(scope)) throw this.#path.error(`uniqueness violation: plugin '${name}' twice`);
    this.#scopes.add(scope);
    const keyOf = (field: string, entity: { id: string } | undefined): string =>
      str(item[field]) ?? entity?.id ?? '';
    const keys = [keyOf('route', route), keyOf('service', service), keyOf('consumer', consumer)];
    this.#entities.plugins.push({
      id: str(item['id']) ?? entityId('plugins', `plugins:*:${name}:${keys.join(':')}`),
      name,
      enabled: item['enabled'] !== false,
      instanceName: str(item['instance_name']),
      routeId: route?.id ?? null,
      serviceId: service?.id ?? null,
      consumerId: consumer?.id ?? null,
      config: this.#config(name, item['config'] ?? {}),
    });
  }

  #config(name: string, given: LuaValue): LuaTable {
    const schema = this.schemas.get(name);
    if (!schema) {
      const words = `plugin '${name}' not enabled; add it to the 'plugins' configuration property`;
      throw this.#path.error({ name: words });
    }
    const violations = schemaViolations(schema, given);
    if (violations) throw this.#path.error({ config: violations });
    return withDefaults(schema, given) as LuaTable;
  }

  #consumer(item: LuaTable): void {
    const { keyauth_credentials: keys, plugins, ...fields } = item;
    this.#refuseUnknown('consumers', fields);
    const consumer = consumerDefaults(fields);
    this.#entities.consumers.set(consumer.id, consumer);
    this.#path.each('keyauth_credentials', keys, (key) => this.#key(key, consumer));
    this.#path.each('plugins', plugins, (plugin) => this.#plugin(plugin, { consumer }));
  }

  #key(item: LuaTable, owner: Consumer | null): void {
    const consumer = owner ?? this.#find(this.#entities.consumers, item, 'consumer');
    if (!consumer) throw this.#path.error({ consumer: 'required field missing' });
    const key = str(item['key']) ?? '';
    // Kong makes up a key where there is none, so that it takes no ID from it: a new one with each configuration.
    const id = str(item['id']) ?? randomUUID();
    const created = Math.floor(Date.now() / 1000);
    this.#entities.keys.set(key, { created_at: created, ...item, id, key, consumer: { id: consumer.id } });
  }

  #upstream(item: LuaTable): void {
    const name = str(item['name']) ?? '';
    this.#entities.upstreams.set(name, { name, hostHeader: str(item['host_header']), targets: [] });
    this.#path.each('targets', item['targets'], (target) => this.#target(target, name));
  }

  #target(item: LuaTable, upstreamName: string | null): void {
    const upstream = this.#entities.upstreams.get(upstreamName ?? '');
    if (!upstream) throw this.#path.error({ upstream: `invalid reference '${upstreamName ?? ''}'` });
    const [host = '', port = '8000'] = (str(item['target']) ?? '').split(/:(?=\d+$)/);
    const weight = typeof item['weight'] === 'number' ? item['weight'] : 100;
    if (weight > 0) upstream.targets.push({ host, port: Number(port), weight });
  }

  #serviceOf(item: LuaTable): Service | null {
    return this.#find(this.#entities.services, item, 'service') ?? null;
  }

  #refuseUnknown(section: 'services' | 'routes' | 'plugins' | 'consumers', fields: LuaTable): void {
    const unknown = unknownFields(section, fields);
    if (unknown) throw this.#path.error(unknown);
  }

  /** A reference is a name, an ID, or a table with either. */
  #find<T extends LuaTable & { id: string }>(
    where: Map<string, T>,
    item: LuaTable,
    field: string,
  ): T | undefined {
    const reference = item[field];
    if (reference === undefined || reference === null) return undefined;
    const wanted = isLuaTable(reference) ? (reference['id'] ?? reference['name']) : reference;
    for (const entity of where.values()) {
      if ([entity.id, entity['name'], entity['username']].includes(wanted)) return entity;
    }
    throw this.#path.error({
      [field]: `invalid reference '${field}: ${luaText(wanted)}' (no such entry in '${field}s')`,
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

function str(value: LuaValue): string | null {
  return typeof value === 'string' ? value : null;
}
