import type { SchemaField } from './kong-schema';

const NOT_HERE = 'the gateway stand-in does not do this: use a real Kong';

/** The schemas of the Kong plugins that the stand-in has itself, and their priorities (as in Kong 3.9). */
export const BUNDLED: Record<string, { priority: number; config: SchemaField }> = {
  'key-auth': {
    priority: 1250,
    config: {
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
  },
  'request-termination': {
    priority: 2,
    config: {
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
  },
};
