// The JSON Schemas of a route, which threads compile and check requests against.
import { createHash } from 'node:crypto';
import type { Config } from '../../../../schemas/generated/config-type';
import type { RequestParts, RequestSchemas, ValidationOutcome } from '../../validation/request-schemas';
import type { ValidatorPool } from '../../validation/validator-pool';

export interface ValidationSettings {
  /** Which parts have a schema. */
  readonly checks: Readonly<Record<keyof RequestSchemas, boolean>>;
  /** Checks a request off the event loop. Never rejects. */
  readonly check: (parts: RequestParts) => Promise<ValidationOutcome>;
  /** Starts a thread and compiles the schemas there before the first request comes. */
  readonly prepare: () => void;
}

export const requestSchemas = (request: Config['request']): RequestSchemas => ({
  body: request.body_schema,
  query: request.query_schema,
  headers: request.headers_schema,
});

export const hasRequestSchemas = ({ request }: Config): boolean =>
  Object.values(requestSchemas(request)).some((schema) => schema !== undefined);

export function validationSettings(request: Config['request'], pool: ValidatorPool): ValidationSettings {
  const schemas = requestSchemas(request);
  const schemasHash = createHash('sha256').update(JSON.stringify(schemas)).digest('hex');
  const limitMs = request.validation_timeout_ms;
  return {
    checks: {
      body: schemas.body !== undefined,
      query: schemas.query !== undefined,
      headers: schemas.headers !== undefined,
    },
    check: (parts) => pool.check({ schemasHash, schemas, parts }, limitMs),
    prepare: () => void pool.check({ schemasHash, schemas }, limitMs),
  };
}
