// The parts of a kong.yml that these specs need.
import { resolveConfig } from '../../../schemas/resolve-config';
import type { Config } from '../../../schemas/generated/config-type';
import { readText } from './files';

export interface KongPlugin {
  name: string;
  config?: Record<string, unknown>;
  instance_name?: string;
  tags?: string[];
  /** decK: which of `_plugin_configs` is filled in below `config`. */
  _config?: string;
}

export interface KongRoute {
  name: string;
  paths: string[];
  plugins?: KongPlugin[];
}

export interface KongConfig {
  _format_version: string;
  _info?: { select_tags: string[] };
  _plugin_configs?: Record<string, Record<string, unknown>>;
  services: { name: string; url: string; routes: KongRoute[] }[];
  routes: KongRoute[];
  consumers: { username: string }[];
}

export const PLUGIN = 'async-request-reply';

export const COMPANION = 'post-function';

/** The configuration of the fail-closed guard, in any file. */
export const FAIL_CLOSED = { access: [readText('kong/fail-closed.lua')] };

export const everyRoute = (config: KongConfig): KongRoute[] => [
  ...config.services.flatMap(({ routes }) => routes),
  ...config.routes,
];

export const pluginOf = (route: KongRoute, name: string): KongPlugin | undefined =>
  route.plugins?.find((plugin) => plugin.name === name);

/** The routes with the plugin on them, and what it is told there. @throws where the schema does not know a field */
export function asyncRoutes(config: KongConfig): { route: KongRoute; settings: Config }[] {
  return everyRoute(config).flatMap((route) => {
    const plugin = pluginOf(route, PLUGIN);
    return plugin === undefined ? [] : [{ route, settings: resolveConfig(plugin.config ?? {}) }];
  });
}
