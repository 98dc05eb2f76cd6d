import type { JsonValue } from '../setting-schema';

/** Data in Kong's schema language: JavaScript passes it to Kong, and Lua writes it as a table. */
export interface KongData {
  readonly [name: string]: JsonValue;
}

/** The form of the schema: JavaScript has data only, Lua has functions too, and Konnect accepts functions but no `require`. */
export type Dialect = 'javascript' | 'lua' | 'konnect';
