import type { JsonValue } from '../setting-schema';

/** A piece of Kong's schema language that is data: what JavaScript can hand to Kong and Lua can hold as a table. */
export interface KongData {
  readonly [name: string]: JsonValue;
}

/** Who reads the schema: JavaScript has data only, Lua has functions, and Konnect takes those but no `require`. */
export type Dialect = 'javascript' | 'lua' | 'konnect';
