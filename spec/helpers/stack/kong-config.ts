// The kong.yml of a stack, from routes as a spec writes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../../schemas/generated/config-type';

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: DeepPartial<T[Name]> }
    : T;

/** What a spec says of an instance; the rest are the defaults. */
export type PluginConfig = DeepPartial<Config>;

/** A service and one route to it, both named `name`. */
export interface RouteOptions {
  name: string;
  /** Default: `/NAME`, which is not stripped. */
  paths?: string[];
  /** Where the service is. Default: the recording upstream. */
  serviceUrl?: string;
  /** The plugin's configuration; false: the route has no plugin. */
  config?: PluginConfig | false;
  /** Whether the fail-closed guard (503) runs after the plugin. Default true; there is none without the plugin. */
  isFailClosed?: boolean;
  /** More plugins of the route. */
  plugins?: object[];
  /** More of the route as kong.yml has it: methods, strip_path, preserve_host… */
  route?: object;
  /** More of the service; false: the route has none, and the plugin calls where it would be. */
  service?: object | false;
}

export interface KongConfigOptions {
  routes: readonly RouteOptions[];
  /** What every instance has, unless the route says otherwise. */
  shared?: PluginConfig;
  /** More of kong.yml: consumers… */
  extra?: object;
}

const PLUGIN = 'async-request-reply';

/** Kong's own plugin that responds instead of the upstream whenever ours does nothing. */
const FAIL_CLOSED = {
  name: 'post-function',
  config: { access: [readFileSync(join(__dirname, '../../../kong/fail-closed.lua'), 'utf8')] },
};

export function kongConfig(
  { routes, shared = {}, extra = {} }: KongConfigOptions,
  upstreamUrl: string,
): object {
  const services = routes
    .filter(({ service }) => service !== false)
    .map((options) => toService(options, shared, upstreamUrl));
  const bare = routes
    .filter(({ service }) => service === false)
    .map((options) => toLoneRoute(options, shared, upstreamUrl));
  return { _format_version: '3.0', services, ...(bare.length > 0 && { routes: bare }), ...extra };
}

function toService(options: RouteOptions, shared: PluginConfig, upstreamUrl: string): object {
  const { name, serviceUrl = upstreamUrl } = options;
  return { name, url: serviceUrl, ...options.service, routes: [toRoute(options, shared)] };
}

function toLoneRoute(options: RouteOptions, shared: PluginConfig, upstreamUrl: string): object {
  const upstream = { mode: 'url', url: options.serviceUrl ?? upstreamUrl } as const;
  return toRoute(options, merge(shared, { upstream }));
}

function toRoute(options: RouteOptions, shared: PluginConfig): object {
  const { name, paths = [`/${name}`] } = options;
  const plugins = [...asyncPlugins(options, shared), ...(options.plugins ?? [])];
  return { name, paths, strip_path: false, ...options.route, plugins };
}

function asyncPlugins({ config = {}, isFailClosed = true }: RouteOptions, shared: PluginConfig): object[] {
  if (config === false) return [];
  const plugin = { name: PLUGIN, config: merge(shared, config) };
  return isFailClosed ? [plugin, FAIL_CLOSED] : [plugin];
}

/** Records are merged, everything else is replaced. */
function merge(base: object, over: object): object {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const before = merged[name];
    merged[name] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
  }
  return merged;
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
