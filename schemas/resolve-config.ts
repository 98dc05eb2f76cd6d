/** From what Kong sends at StartInstance to the configuration that the plugin runs with. */
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
 * Checks a plugin instance's configuration and fills in what is absent. Fields and whole records may be absent or null;
 * the keys that Kong adds for itself (`__plugin_id`, `route_id`, `$refs`…) are left out; `raw` is not changed. Vault
 * references must be resolved already, as Kong does before it starts an instance.
 *
 * @throws ConfigError with every problem, where a field is unknown, of the wrong type, out of bounds, of the wrong form,
 *   or at odds with another
 */
export function resolveConfig(raw: unknown): Config {
  return resolve(raw);
}
