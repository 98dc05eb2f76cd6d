import type { LuaTable } from '../rpc/lua-value';
import type { Entities, Plugin } from './entities';
import { WORKSPACE_ID } from './entity-id';
import type { PluginConfig } from './plugin-config';

/** Which configuration of each plugin applies to a request: after `kong/runloop/plugins_iterator.lua`. */
export class PluginIterator {
  readonly #byName = new Map<string, Map<string, PluginConfig>>();

  /** @param nextSeq a counter over all workers and all builds, so that no two configurations share a number */
  constructor(entities: Entities, nextSeq: () => number) {
    for (const plugin of entities.plugins) {
      if (!plugin.enabled) continue;
      const scopes = this.#byName.get(plugin.name) ?? new Map<string, PluginConfig>();
      scopes.set(scopeKey(plugin.routeId, plugin.serviceId, plugin.consumerId), kongKeys(plugin, nextSeq()));
      this.#byName.set(plugin.name, scopes);
    }
  }

  /** The most specific configuration of the plugin for this request, or null where it is not on. */
  configFor(name: string, routeId: string | null, serviceId: string | null, consumerId: string | null) {
    const scopes = this.#byName.get(name);
    if (!scopes) return null;
    const tries: [string | null, string | null, string | null][] = [
      [routeId, serviceId, consumerId],
      [routeId, null, consumerId],
      [null, serviceId, consumerId],
      [routeId, serviceId, null],
      [null, null, consumerId],
      [routeId, null, null],
      [null, serviceId, null],
      [null, null, null],
    ];
    for (const [route, service, consumer] of tries) {
      const config = scopes.get(scopeKey(route, service, consumer));
      if (config) return config;
    }
    return null;
  }
}

function scopeKey(routeId: string | null, serviceId: string | null, consumerId: string | null): string {
  return `${routeId ?? ''}:${serviceId ?? ''}:${consumerId ?? ''}`;
}

function kongKeys(plugin: Plugin, seq: number): PluginConfig {
  const scope: LuaTable = {
    route_id: plugin.routeId,
    service_id: plugin.serviceId,
    consumer_id: plugin.consumerId,
    plugin_instance_name: plugin.instanceName,
  };
  return {
    ...plugin.config,
    ...Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== null)),
    __plugin_id: plugin.id,
    __ws_id: WORKSPACE_ID,
    __key__: `plugins:${plugin.name}:${plugin.routeId ?? ''}:${plugin.serviceId ?? ''}:${plugin.consumerId ?? ''}::${WORKSPACE_ID}`,
    __seq__: seq,
  };
}
