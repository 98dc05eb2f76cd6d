import { FOR_POLLS_ONLY } from '../plugins/post-function';
import type { SchemaField } from './kong-schema';

const NOT_HERE = 'the Kong emulator does not do this: use a real Kong';

const STRINGS: SchemaField = { type: 'array', elements: { type: 'string' } };

const CORS_METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'];

/** A list that has to stay empty. */
const NONE: SchemaField = { type: 'array', elements: { type: 'string', one_of: [], err: NOT_HERE } };

/** The priorities of the Kong plugins that the emulator has itself (as in Kong 3.9). */
export const BUNDLED_PRIORITIES = {
  cors: 2000,
  'key-auth': 1250,
  'ip-restriction': 990,
  'request-transformer': 801,
  'proxy-cache': 100,
  'request-termination': 2,
  'post-function': -1000,
};

/**
 * The schemas of those plugins.
 * @param knownLua the one function that `post-function` may have, since the emulator runs no Lua
 */
export function bundledSchemas(
  knownLua: string | null,
): Record<keyof typeof BUNDLED_PRIORITIES, SchemaField> {
  return { ...SCHEMAS, 'post-function': postFunction(knownLua) };
}

function postFunction(knownLua: string | null): SchemaField {
  const known = knownLua === null ? [] : [knownLua, FOR_POLLS_ONLY + knownLua];
  const elements: SchemaField = {
    type: 'string',
    one_of: known.flatMap((lua) => [lua, lua.trimEnd()]),
    err: 'the Kong emulator runs no Lua and knows only the function of kong/fail-closed.lua: use a real Kong',
  };
  const others = ['certificate', 'rewrite', 'header_filter', 'body_filter', 'log'];
  return {
    type: 'record',
    fields: [
      { access: { type: 'array', required: true, default: [], elements } },
      ...others.map((phase) => ({ [phase]: { ...NONE, required: true, default: [] } })),
    ],
  };
}

/** Literal values alone: a template would be Lua. */
const LITERALS: SchemaField = {
  type: 'array',
  required: true,
  default: [],
  elements: { type: 'string', match: '^[^:]+[^$]*$', err: NOT_HERE },
};

const transformation = (
  name: string,
  more: Record<string, SchemaField>[] = [],
): Record<string, SchemaField> => ({
  [name]: {
    type: 'record',
    fields: [
      { body: { ...NONE, required: true, default: [] } },
      { headers: LITERALS },
      { querystring: LITERALS },
      ...more,
    ],
  },
});

const SCHEMAS: Record<Exclude<keyof typeof BUNDLED_PRIORITIES, 'post-function'>, SchemaField> = {
  'key-auth': {
    type: 'record',
    fields: [
      { key_names: { type: 'array', required: true, default: ['apikey'], elements: { type: 'string' } } },
      { hide_credentials: { type: 'boolean', required: true, default: false } },
      { anonymous: { type: 'string' } },
      { key_in_header: { type: 'boolean', required: true, default: true } },
      { key_in_query: { type: 'boolean', required: true, default: true } },
      { key_in_body: { type: 'boolean', required: true, default: false, eq: false, err: NOT_HERE } },
      { run_on_preflight: { type: 'boolean', required: true, default: true } },
      { realm: { type: 'string' } },
    ],
  },
  cors: {
    type: 'record',
    fields: [
      { origins: STRINGS },
      { headers: STRINGS },
      { exposed_headers: STRINGS },
      {
        methods: {
          type: 'array',
          default: [...CORS_METHODS],
          elements: { type: 'string', one_of: [...CORS_METHODS] },
        },
      },
      { max_age: { type: 'number' } },
      { credentials: { type: 'boolean', required: true, default: false } },
      { private_network: { type: 'boolean', required: true, default: false } },
      { preflight_continue: { type: 'boolean', required: true, default: false } },
    ],
  },
  'ip-restriction': {
    type: 'record',
    fields: [
      { allow: STRINGS },
      { deny: STRINGS },
      { status: { type: 'number' } },
      { message: { type: 'string' } },
    ],
  },
  'proxy-cache': {
    type: 'record',
    fields: [
      { strategy: { type: 'string', required: true, one_of: ['memory'] } },
      {
        memory: {
          type: 'record',
          fields: [{ dictionary_name: { type: 'string', required: true, default: 'kong_db_cache' } }],
        },
      },
      {
        response_code: {
          type: 'array',
          required: true,
          len_min: 1,
          default: [200, 301, 404],
          elements: { type: 'integer', between: [100, 900] },
        },
      },
      {
        request_method: {
          type: 'array',
          required: true,
          default: ['GET', 'HEAD'],
          elements: { type: 'string', one_of: ['HEAD', 'GET', 'POST', 'PATCH', 'PUT'] },
        },
      },
      {
        content_type: {
          type: 'array',
          required: true,
          default: ['text/plain', 'application/json'],
          elements: { type: 'string' },
        },
      },
      { cache_ttl: { type: 'integer', default: 300, gt: 0 } },
      { cache_control: { type: 'boolean', required: true, default: false, eq: false, err: NOT_HERE } },
      { ignore_uri_case: { type: 'boolean', default: false, eq: false, err: NOT_HERE } },
      { storage_ttl: { type: 'integer', one_of: [], err: NOT_HERE } },
      { vary_query_params: NONE },
      { vary_headers: NONE },
      {
        response_headers: {
          type: 'record',
          fields: ['age', 'X-Cache-Status', 'X-Cache-Key'].map((name) => ({
            [name]: { type: 'boolean', default: true },
          })),
        },
      },
    ],
  },
  'request-transformer': {
    type: 'record',
    fields: [
      { http_method: { type: 'string', match: '^%u+$' } },
      transformation('remove'),
      transformation('rename'),
      transformation('replace', [{ uri: { type: 'string', match: '^/[^$]*$', err: NOT_HERE } }]),
      transformation('add'),
      // It would append to what there is.
      { append: { type: 'record', fields: [{ headers: NONE }, { querystring: NONE }] } },
    ],
  },
  'request-termination': {
    type: 'record',
    fields: [
      { status_code: { type: 'integer', required: true, default: 503, between: [100, 599] } },
      { message: { type: 'string' } },
      { content_type: { type: 'string' } },
      { body: { type: 'string' } },
      { echo: { type: 'boolean', required: true, default: false, eq: false, err: NOT_HERE } },
      { trigger: { type: 'string' } },
    ],
  },
};
