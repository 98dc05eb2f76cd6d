/**
 * Builders for declarations. They add what all fields of a kind have in common (a string is never empty, a record has no
 * unknown fields), so that the declarations read as a table.
 */
import type { RecordSchema, SettingSchema } from './setting-schema';

type Notes = Partial<Omit<SettingSchema, 'type'>>;

/** Larger values overflow a timer of Node.js and exceed Kong's own bound for a timeout (2^31 - 2 ms). */
const MAX_TIMEOUT_MS = 2 ** 31 - 2;

export const field = {
  string: (description: string, notes: Notes = {}): SettingSchema => ({
    type: 'string',
    description,
    minLength: 1,
    maxLength: 1024,
    ...notes,
  }),

  choice: (description: string, options: readonly string[], notes: Notes = {}): SettingSchema => ({
    type: 'string',
    description,
    enum: options,
    ...notes,
  }),

  integer: (description: string, minimum: number, maximum: number, notes: Notes = {}): SettingSchema => ({
    type: 'integer',
    description,
    minimum,
    maximum,
    ...notes,
  }),

  /** Milliseconds, from 1 to the largest timeout of Kong and of a Node.js timer. */
  timeout: (description: string, defaultMs: number): SettingSchema => ({
    type: 'integer',
    description,
    minimum: 1,
    maximum: MAX_TIMEOUT_MS,
    default: defaultMs,
  }),

  flag: (description: string, notes: Notes = {}): SettingSchema => ({
    type: 'boolean',
    description,
    ...notes,
  }),

  /** Ordered, with duplicates: a Kong `array`. */
  list: (description: string, items: SettingSchema, notes: Notes = {}): SettingSchema => ({
    type: 'array',
    description,
    items,
    maxItems: 100,
    ...notes,
  }),

  /** Unordered, without duplicates: a Kong `set`. */
  set: (description: string, items: SettingSchema, notes: Notes = {}): SettingSchema => ({
    type: 'array',
    description,
    items,
    maxItems: 100,
    uniqueItems: true,
    ...notes,
  }),

  /** A record that is always present: if it is absent in the input, its fields have their defaults. */
  record: (
    typeName: string,
    description: string,
    properties: RecordSchema['properties'],
    notes: Notes = {},
  ): RecordSchema => ({
    type: 'object',
    description,
    'x-type': typeName,
    additionalProperties: false,
    default: {},
    ...notes,
    properties,
  }),

  /** A record that may be absent. If it is present, it must have the fields named in `required`. */
  optionalRecord: (
    typeName: string,
    description: string,
    required: readonly string[],
    properties: RecordSchema['properties'],
  ): RecordSchema => ({
    type: 'object',
    description,
    'x-type': typeName,
    additionalProperties: false,
    required,
    properties,
  }),
} as const;
