// A thread that checks requests, one at a time. If a check takes too long, the pool terminates the thread.
import { parentPort } from 'node:worker_threads';
import type { RequestParts, RequestSchemas, ValidationOutcome } from './request-schemas';
import { compileSchemas, validate, type CompiledSchemas } from './validate';

export interface ValidationTask {
  /** Identifies the schemas, which are compiled once. */
  readonly schemasHash: string;
  readonly schemas: RequestSchemas;
  /** Undefined: only compile the schemas. */
  readonly parts?: RequestParts | undefined;
}

/** `begins`: the schemas are compiled, and the time limit of the request starts. */
export type ValidatorMessage = { readonly kind: 'begins' } | ValidationOutcome;

/** Maximum number of compiled sets. A route has one set, and every change of its schemas adds another. */
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
