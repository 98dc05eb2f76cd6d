// How an error appears in a log line: pino's serializer of the field `err`.
//
// pino's own copies every property of an error. That would log secrets and bodies: ioredis puts the command with all its
// arguments into its errors, Node.js the whole URL into ERR_INVALID_URL, and undici the bytes that it could not parse.

interface ErrorLike {
  /** Absent from an object without a prototype. */
  readonly constructor?: { readonly name: string };
  readonly message: string;
  readonly stack?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: SerializedError | undefined;
  /** Those of an AggregateError: of each address that was tried, for example. */
  readonly errors?: readonly SerializedError[] | undefined;
}

/** Deeper causes are omitted, so that a cyclic chain ends. */
const MAX_DEPTH = 5;

/** Redis repeats the arguments of a command that it does not know. */
const UNKNOWN_COMMAND_ARGUMENTS = /, with args beginning with:[^\n]*/;

/** Returns type, message, stack, code and causes of anything thrown, and none of its other properties. */
export function serializeError(error: unknown, depth = 0): SerializedError {
  if (!isErrorLike(error)) {
    return { type: typeof error, message: String(error) };
  }
  const isNested = depth < MAX_DEPTH;
  return {
    type: error.constructor?.name ?? 'Object',
    message: error.message.replace(UNKNOWN_COMMAND_ARGUMENTS, ''),
    stack: typeof error.stack === 'string' ? error.stack.replace(UNKNOWN_COMMAND_ARGUMENTS, '') : undefined,
    code: typeof error.code === 'string' ? error.code : undefined,
    cause: error.cause !== undefined && isNested ? serializeError(error.cause, depth + 1) : undefined,
    errors:
      Array.isArray(error.errors) && isNested
        ? error.errors.map((one) => serializeError(one, depth + 1))
        : undefined,
  };
}

/** Also for errors of another realm, such as those of Node.js in a test. */
const isErrorLike = (value: unknown): value is ErrorLike =>
  typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
