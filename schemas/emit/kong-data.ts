import type { JsonValue } from '../setting-schema';

/** A piece of Kong's schema language that is data: what JavaScript can hand to Kong and Lua can hold as a table. */
export type KongData = { readonly [name: string]: JsonValue };
