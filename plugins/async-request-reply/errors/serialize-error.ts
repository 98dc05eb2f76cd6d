// How an error appears in a log line: pino's serializer of the field `err`.
//
// pino's own copies every property of an error. That would log secrets and bodies: ioredis puts the command with all its
// arguments into its errors, Node.js the whole URL into ERR_INVALID_URL, and undici the bytes that it could not parse.

interface ErrorLike {
  readonly message: string;
  readonly stack?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly cause: SerializedError | string | undefined;
  /** Those of an AggregateError: of each address that was tried, for example. */
  readonly errors: readonly (SerializedError | string)[] | undefined;
}

/** Deep enough for every chain of causes that occurs; a cyclic one ends there. */
const MAX_DEPTH = 5;

/** Redis repeats the arguments of a command that it does not know. */
const UNKNOWN_COMMAND_ARGUMENTS = /, with args beginning with:[^\n]*/;

/** @returns type, message, stack, code and causes of an error, and none of its other properties; the text of anything else. */
export function serializeError(error: unknown, depth = 1): SerializedError | string {
  if (!isErrorLike(error)) {
    return String(error);
  }
  const nested = (one: unknown): SerializedError | string =>
    depth < MAX_DEPTH ? serializeError(one, depth + 1) : '…';
  return {
    type: error.constructor.name,
    message: error.message.replace(UNKNOWN_COMMAND_ARGUMENTS, ''),
    stack: typeof error.stack === 'string' ? error.stack.replace(UNKNOWN_COMMAND_ARGUMENTS, '') : undefined,
    code: typeof error.code === 'string' ? error.code : undefined,
    cause: error.cause === undefined ? undefined : nested(error.cause),
    errors: Array.isArray(error.errors) ? error.errors.map(nested) : undefined,
  };
}

/** Also for errors of another realm, such as those of Node.js in a test. */
const isErrorLike = (value: unknown): value is ErrorLike =>
  typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
