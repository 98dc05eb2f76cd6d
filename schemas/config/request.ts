/** What a request must satisfy before it becomes a job. */
import { field } from '../field';
import { values } from '../values';

export const requestSchema = field.record(
  'RequestConfig',
  'What a request must satisfy before it becomes a job.',
  {
    max_body_bytes: field.integer(
      'Maximum size of a request body in bytes. A larger body is rejected with 413. 0 allows empty bodies only.',
      0,
      1073741824,
      { default: 10485760 },
    ),
    body_schema: field.string(
      'JSON Schema, as JSON text, that the body must satisfy. An invalid body is rejected with 400, another media type than JSON with 415.',
      values.jsonSchema,
    ),
    query_schema: field.string(
      'JSON Schema, as JSON text, that the query arguments must satisfy. Invalid arguments are rejected with 400.',
      values.jsonSchema,
    ),
    headers_schema: field.string(
      'JSON Schema, as JSON text, that the request headers (names in lower case) must satisfy. Invalid headers are rejected with 400.',
      values.jsonSchema,
    ),
    validation_timeout_ms: field.integer(
      'Time limit for the validation of one request against the three schemas, in milliseconds. A request that takes longer is rejected with 503. Validation runs in threads of its own.',
      1,
      10000,
      { default: 200 },
    ),
    drop_headers: field.list(
      'Request headers that are neither stored nor sent to the upstream.',
      field.string('A header name; case does not matter.', values.headerName),
    ),
  },
);
