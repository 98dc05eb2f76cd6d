/** The fields of the record `config` in Kong's schema language, as kong-pdk passes them to Kong. */
import { configSchema } from './config';
import { configRules } from './config/rules';
import { toKongFields } from './emit/to-kong-schema';

export const kongSchema = toKongFields(configSchema, configRules, 'javascript');
