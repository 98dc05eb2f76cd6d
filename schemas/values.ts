/**
 * Kinds of strings that several fields share: how ajv checks them (a pattern, or a format of formats.ts), the equivalent
 * Lua pattern for Kong, and how errors describe them.
 */
import type { SettingSchema } from './setting-schema';

type Value = Partial<Omit<SettingSchema, 'type'>>;

const SECRET = { referenceable: true, encrypted: true } as const;

export const values = {
  /** RFC 9110, 5.6.2: a field name is a token. */
  headerName: {
    pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
    maxLength: 128,
    'x-says': 'a header name (an RFC 9110 token of at most 128 characters)',
  },
  /** Unreserved characters of RFC 3986: they need no percent-encoding. */
  queryName: {
    pattern: '^[A-Za-z0-9._~-]+$',
    maxLength: 64,
    'x-says': 'a query argument name (letters, digits, "." "_" "~" "-", at most 64)',
  },
  queueName: {
    pattern: '^[A-Za-z0-9._-]+$',
    maxLength: 64,
    'x-says': 'a name of at most 64 letters, digits, ".", "_" and "-"',
  },
  /** A DNS name or an IP address. An IPv6 address for Redis has no brackets. */
  host: {
    pattern: '^[A-Za-z0-9._:-]+$',
    maxLength: 255,
    'x-says': 'a host name or an IP address, without scheme, port or credentials',
  },
  serverName: {
    pattern: '^[A-Za-z0-9._-]+$',
    maxLength: 255,
    'x-says': 'a host name',
  },
  hostAndPort: {
    pattern: '^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$',
    format: 'host-port',
    maxLength: 262,
    'x-says': 'host:port',
    'x-kong': { match: '^[%w%.%-_%[%]:]+:%d+$' },
  },
  /** Paths are appended to a base URL, so it has neither query nor fragment. It must not contain credentials. */
  baseUrl: {
    format: 'base-url',
    maxLength: 2048,
    'x-says': 'an http or https URL without user, password, query and fragment',
    'x-kong': {
      match_any: ['^https?://[^%s/?#@{}]+$', '^https?://[^%s/?#@{}]+/[^%s?#]*$'],
    },
  },
  statusUrl: {
    format: 'status-url',
    maxLength: 2048,
    'x-says': 'a path, or an http or https URL, with {id} once in its path and without query and fragment',
    'x-kong': {
      match_any: [
        '^/{id}[^%s?#{}]*$',
        '^/[^/%s?#{}][^%s?#{}]*{id}[^%s?#{}]*$',
        '^https?://[^%s/?#@{}]+/[^%s?#{}]*{id}[^%s?#{}]*$',
      ],
    },
  },
  pem: {
    format: 'pem',
    maxLength: 65536,
    'x-says': 'PEM text (from "-----BEGIN ...-----" to "-----END ...-----")',
    'x-kong': { referenceable: true, match: '^%s*%-%-%-%-%-BEGIN [%u%d ]+%-%-%-%-%-%s' },
  },
  privateKey: {
    format: 'pem',
    maxLength: 65536,
    'x-says': 'PEM text (from "-----BEGIN ...-----" to "-----END ...-----")',
    'x-kong': { ...SECRET, match: '^%s*%-%-%-%-%-BEGIN [%u%d ]+%-%-%-%-%-%s' },
  },
  /** A text, because Kong's schema language has no free-form object that keeps the order of its keys. */
  jsonSchema: {
    format: 'json-object',
    maxLength: 262144,
    'x-says': 'the JSON text of a JSON Schema object',
    'x-kong': { match: '^%s*{.*}%s*$', check: 'json' },
  },
  /** 32 bytes are 44 characters of base64, the last of them padding. */
  aesKey: {
    pattern: '^[A-Za-z0-9+/]{43}=$',
    minLength: 44,
    maxLength: 44,
    'x-says': '32 bytes in base64 (44 characters)',
    'x-kong': { ...SECRET, len_eq: 44, match: '^[%w+/]+=$' },
  },
  /** Standard Webhooks 1.0: `whsec_` and the base64 of 24 to 64 bytes. */
  webhookSecret: {
    format: 'webhook-secret',
    minLength: 38,
    maxLength: 94,
    'x-says': '"whsec_" followed by 24 to 64 bytes in base64',
    'x-kong': { ...SECRET, match: '^whsec_[%w+/]+=?=?$' },
  },
  /** CONNECT opens a tunnel, and TRACE must not have a body or be replayed: neither can be a job. */
  method: {
    pattern: '^[A-Z-]+$',
    maxLength: 32,
    not: { enum: ['CONNECT', 'TRACE'] },
    'x-says': 'an HTTP method in capitals, except CONNECT and TRACE',
  },
  /** A header name, or an RFC 6901 pointer, which starts with a slash. */
  correlation: {
    format: 'correlation',
    maxLength: 256,
    'x-says': 'a header name, or a JSON Pointer (RFC 6901) that begins with "/"',
    'x-kong': {
      match_any: ["^[!#$%%&'*+%.%^_`|~%w-]+$", '^/[^%c]*$'],
    },
  },
  topic: {
    pattern: '^[A-Za-z0-9._-]+$',
    maxLength: 249,
    'x-says': 'a Kafka topic (letters, digits, ".", "_" and "-", at most 249)',
  },
  secret: { 'x-kong': SECRET },
  referenceable: { 'x-kong': { referenceable: true } },
} as const satisfies Record<string, Value>;
