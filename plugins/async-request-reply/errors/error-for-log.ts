// How errors appear in logs. Libraries attach request data to errors (ioredis: the arguments of the failed command, which
// may be a password or a body), and pino's own serializer would log every property.

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
  readonly cause?: unknown;
}

/** Serializer for the key `err` of a pino logger: class, message, code, stack and cause. Other values are not changed. */
export function errorForLog(error: unknown): unknown {
  if (!(error instanceof Error)) {
    return error;
  }
  const { code } = error as { code?: unknown };
  const logged: LoggedError = {
    type: error.constructor.name,
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack,
    cause: error.cause instanceof Error ? errorForLog(error.cause) : undefined,
  };
  return logged;
}
