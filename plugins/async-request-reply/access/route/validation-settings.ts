// The JSON Schemas of a route: compiled once here to see that they can be, and then in the threads that check requests.
import { createHash } from 'node:crypto';
import type { Config } from '../../../../schemas/generated/config-type';
import { ConfigError, type ConfigProblem } from '../../../../schemas/config-error';
import { compileSchema } from '../../validation/compile-schema';
import {
  REQUEST_PARTS,
  type RequestParts,
  type RequestSchemas,
  type ValidationOutcome,
} from '../../validation/request-schemas';
import type { ValidatorPool } from '../../validation/validator-pool';

export interface ValidationSettings {
  /** Which parts have a schema. */
  readonly checks: Readonly<Record<keyof RequestSchemas, boolean>>;
  /** Checks a request off the event loop. Never rejects. */
  readonly check: (parts: RequestParts) => Promise<ValidationOutcome>;
  /** Lets a thread start and compile before the first request comes. */
  readonly prepare: () => void;
}

const schemasOf = ({ request }: Config): RequestSchemas => ({
  body: request.body_schema,
  query: request.query_schema,
  headers: request.headers_schema,
});

export const hasRequestSchemas = (config: Config): boolean =>
  Object.values(schemasOf(config)).some((schema) => schema !== undefined);

/** @throws ConfigError that names each field whose schema does not compile, and says why. */
export function checkRequestSchemas(config: Config): void {
  const schemas = schemasOf(config);
  const problems = REQUEST_PARTS.flatMap((part): ConfigProblem[] => {
    const text = schemas[part];
    if (text === undefined) {
      return [];
    }
    try {
      compileSchema(text, part);
      return [];
    } catch (error) {
      const field = `request.${part}_schema`;
      return [{ field, message: `${field} does not compile: ${(error as Error).message}.` }];
    }
  });
  if (problems.length > 0) {
    throw new ConfigError('The configuration of the plugin async-request-reply', problems);
  }
}

export function validationSettings(config: Config['request'], pool: ValidatorPool): ValidationSettings {
  const schemas: RequestSchemas = {
    body: config.body_schema,
    query: config.query_schema,
    headers: config.headers_schema,
  };
  const schemasHash = createHash('sha256').update(JSON.stringify(schemas)).digest('hex');
  const limitMs = config.validation_timeout_ms;
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
