/**
 * The type of a declaration: JSON Schema (draft-07 keywords, which ajv understands) with a few `x-` keywords for what JSON
 * Schema cannot express. Every setting of the plugin and of its processes is declared in this form.
 */

export type JsonValue =
  string | number | boolean | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** Attributes of Kong's schema language that cannot be derived from the JSON Schema beside them. */
interface KongNotes {
  /** The value may be a vault reference, which Kong resolves before it starts the instance. */
  readonly referenceable?: boolean;
  /** Kong Enterprise keeps the value encrypted in its database. */
  readonly encrypted?: boolean;
  /** A Lua pattern, if none can be derived from `pattern` because it is not a single character class. */
  readonly match?: string;
  /** Lua patterns. One of them must match. */
  readonly match_any?: readonly string[];
  /** Exact length, if minLength and maxLength are equal. */
  readonly len_eq?: number;
  /** A check that only Kong's Lua schema can make: `json` requires a text that decodes to a JSON object. */
  readonly check?: 'json';
}

/** A field, record or list element. `x-says` completes "must be …" in errors; `x-default` describes the default in the docs. */
export interface SettingSchema {
  readonly type: 'string' | 'integer' | 'boolean' | 'array' | 'object';
  readonly description?: string;
  readonly default?: JsonValue;
  readonly enum?: readonly (string | number)[];
  readonly not?: { readonly enum: readonly string[] };
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly items?: SettingSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: { readonly [name: string]: SettingSchema };
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly 'x-kong'?: KongNotes;
  readonly 'x-says'?: string;
  readonly 'x-default'?: string;
  /** The name of a process setting, if it is not the path joined by `_`. */
  readonly 'x-name'?: string;
  /** The TypeScript name of a record. */
  readonly 'x-type'?: string;
}

/** A record: a schema that always has `properties`. */
export interface RecordSchema extends SettingSchema {
  readonly type: 'object';
  readonly properties: { readonly [name: string]: SettingSchema };
}
