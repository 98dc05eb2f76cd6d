// The plugin as a plugin server for JavaScript loads it.
import { resolveConfig } from '../../schemas/resolve-config';
import { kongSchema } from '../../schemas/kong-schema';
import { PluginInstance } from './plugin-instance';
import { packageVersion } from './package-version';
import type { Pdk } from './kong-api/pdk';

export const Name = 'async-request-reply';
export const Version = packageVersion();

/** After authentication, rate limiting and transformation, before caches and the fail-closed guard. */
export const Priority = 740;

export const Schema = kongSchema;

/** One configuration of the plugin in one Kong worker. Kong constructs it at StartInstance, and drops it without notice. */
export class Plugin {
  readonly #instance: PluginInstance;

  /** @throws ConfigError that names the fields. Kong logs it, and answers requests on the route with 500. */
  constructor(config: unknown) {
    this.#instance = new PluginInstance(resolveConfig(config), config);
  }

  async access(kong: unknown): Promise<void> {
    // kong-pdk creates the object at run time, with the methods of pdk.ts.
    await this.#instance.access(kong as Pdk);
  }
}
