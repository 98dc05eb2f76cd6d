// How an error is logged. pino's own serializer would log every property of it, and ioredis keeps the arguments of the command that
// has failed in one: passwords and payloads.

export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
  readonly cause?: SerializedError | undefined;
  /** Of an AggregateError, such as one of Node.js for each address that refused a connection. */
  readonly errors?: readonly (SerializedError | undefined)[] | undefined;
}

/** Causes deeper than this are omitted. */
const MAX_DEPTH = 5;

/** The type, message, code, stack and causes of anything thrown. A serializer for pino. */
export function serializeError(error: unknown, depth = 0): SerializedError {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: String(error) };
  }
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const nested = (one: unknown): SerializedError | undefined =>
    depth < MAX_DEPTH ? serializeError(one, depth + 1) : undefined;
  return {
    type: error.name,
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack,
    cause: cause === undefined ? undefined : nested(cause),
    errors: error instanceof AggregateError ? error.errors.map(nested) : undefined,
  };
}
