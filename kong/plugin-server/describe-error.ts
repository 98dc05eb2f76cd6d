// Errors of a plugin in the log. Their message may quote the request (that of `JSON.parse` does), so only their class, code
// and stack frames are logged.

/** The logged parts of an error. */
interface ErrorDescription {
  name: string;
  code?: string;
  frames?: string[];
  cause?: ErrorDescription;
}

const MAX_FRAMES = 10;

/** The loggable parts of a thrown value and of its cause, without messages. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) {
    return { name: typeof error };
  }
  const { code } = error as { code?: unknown };
  return {
    name: error.constructor.name,
    ...(typeof code === 'string' ? { code } : {}),
    frames: stackFrames(error),
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}

// The stack begins with the message, whose lines may look like frames.
function stackFrames(error: Error): string[] {
  const stack = String(error.stack);
  const end = stack.indexOf(error.message) + error.message.length;
  const frames = stack.slice(end).match(/^ {4}at .*/gm) ?? [];
  return frames.slice(0, MAX_FRAMES).map((frame) => frame.slice('    at '.length));
}
