// How an error is logged. pino's own serializer would log every property of it, and ioredis keeps the arguments of the command that
// has failed in one: passwords and payloads.

export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: SerializedError;
  /** Of an AggregateError, such as one of Node.js for each address that refused a connection. */
  readonly errors?: readonly SerializedError[];
}

/** Causes deeper than this are omitted. */
const MAX_DEPTH = 5;

/** The type, message, code, stack and causes of anything thrown. A serializer for pino. */
export function serializeError(error: unknown, depth = 0): SerializedError {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: String(error) };
  }
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const isNested = depth < MAX_DEPTH;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(cause !== undefined && isNested && { cause: serializeError(cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      isNested && { errors: error.errors.map((one) => serializeError(one, depth + 1)) }),
  };
}
