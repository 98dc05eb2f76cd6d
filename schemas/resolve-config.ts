/** Resolves the configuration that Kong sends at StartInstance. */
import { configSchema } from './config';
import { configRules } from './config/rules';
import { createResolver } from './create-resolver';
import type { Config } from './generated/config-type';

/** Begins the message of every ConfigError about an instance's configuration. */
export const CONFIG_SUBJECT = 'The configuration of the plugin async-request-reply';

const resolve = createResolver<Config>({
  schema: configSchema,
  rules: configRules,
  subject: CONFIG_SUBJECT,
});

/**
 * Checks the configuration of a plugin instance and fills in the defaults. Fields and whole records may be absent or
 * null. The result does not have the keys that Kong adds (`__plugin_id`, `route_id`, `$refs`…). `raw` is not changed. Vault
 * references must be resolved: Kong does that before it starts an instance.
 *
 * @throws ConfigError with every problem: an unknown field, a wrong type or form, a value out of bounds, or a conflict
 *   between fields
 */
export function resolveConfig(raw: unknown): Config {
  return resolve(raw);
}
