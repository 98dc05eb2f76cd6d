/** What a request may carry to become a job, and what of a response is kept. */
import { field } from '../field';
import { values } from '../values';

export const requestSchema = field.record(
  'RequestConfig',
  'What a request must look like before it becomes a job.',
  {
    max_body_bytes: field.integer(
      'Largest request body in bytes; more is refused with 413. 0 lets only empty bodies through.',
      0,
      1073741824,
      { default: 10485760 },
    ),
    body_schema: field.string(
      'JSON Schema, as JSON text, that the body must satisfy before the accept; otherwise 400, or 415 for another media type.',
      values.jsonSchema,
    ),
    query_schema: field.string(
      'JSON Schema, as JSON text, that the query arguments must satisfy before the accept; otherwise 400.',
      values.jsonSchema,
    ),
    headers_schema: field.string(
      'JSON Schema, as JSON text, that the request headers (names in lower case) must satisfy before the accept; otherwise 400.',
      values.jsonSchema,
    ),
    validation_timeout_ms: field.integer(
      'How long the three schemas may take on one request, in milliseconds; longer is 503. They run off the event loop.',
      1,
      10000,
      { default: 200 },
    ),
    drop_headers: field.list(
      'Request headers that are neither stored nor sent to the upstream.',
      field.string('A header name, in any case.', values.headerName),
    ),
  },
);
