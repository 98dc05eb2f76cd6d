import type { LuaTable } from '../rpc/lua-value';

/** Entities of a declarative configuration with their IDs and defaults in place, as Kong's DAO would select them. */
export interface Service extends LuaTable {
  id: string;
  protocol: string;
  host: string;
  port: number;
  retries: number;
  connect_timeout: number;
  read_timeout: number;
  write_timeout: number;
}

export interface Route extends LuaTable {
  id: string;
  protocols: string[];
  strip_path: boolean;
  preserve_host: boolean;
}

export interface Consumer extends LuaTable {
  id: string;
}

export interface KeyAuthCredential extends LuaTable {
  id: string;
  key: string;
  consumer: { id: string };
}

export interface Upstream {
  name: string;
  hostHeader: string | null;
  targets: { host: string; port: number; weight: number }[];
}

export interface Plugin {
  id: string;
  name: string;
  enabled: boolean;
  instanceName: string | null;
  routeId: string | null;
  serviceId: string | null;
  consumerId: string | null;
  config: LuaTable;
}

/** Everything that a kong.yml says, flattened. */
export interface Entities {
  services: Map<string, Service>;
  routes: { route: Route; service: Service | null }[];
  plugins: Plugin[];
  consumers: Map<string, Consumer>;
  keys: Map<string, KeyAuthCredential>;
  upstreams: Map<string, Upstream>;
}
