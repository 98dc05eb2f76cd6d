// A thread that checks requests, one at a time. Where it takes too long the pool ends it from outside.
import { parentPort } from 'node:worker_threads';
import type { RequestParts, RequestSchemas, ValidationOutcome } from './request-schemas';
import { compileSchemas, validate, type CompiledSchemas } from './validate';

export interface ValidationTask {
  /** Names the schemas: what was compiled under it once is used again. */
  readonly schemasHash: string;
  readonly schemas: RequestSchemas;
  /** Undefined: the schemas are only compiled. */
  readonly parts?: RequestParts | undefined;
}

/** `begins`: the schemas are compiled, and the time of the request starts to count. */
export type ValidatorMessage = { readonly kind: 'begins' } | ValidationOutcome;

/** Sets of schemas that are kept; more means that somebody changes configurations by the minute. */
const MAX_COMPILED = 64;

const compiled = new Map<string, CompiledSchemas>();

function compiledOf({ schemasHash, schemas }: ValidationTask): CompiledSchemas {
  let found = compiled.get(schemasHash);
  if (found === undefined) {
    if (compiled.size >= MAX_COMPILED) {
      compiled.clear();
    }
    found = compileSchemas(schemas);
    compiled.set(schemasHash, found);
  }
  return found;
}

const reply = (message: ValidatorMessage): void => parentPort?.postMessage(message);

parentPort?.on('message', (task: ValidationTask) => {
  const schemas = compiledOf(task);
  if (task.parts === undefined) {
    reply({ kind: 'valid' });
    return;
  }
  reply({ kind: 'begins' });
  reply(validate(schemas, task.parts));
});
