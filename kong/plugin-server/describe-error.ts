// Errors in the log. A plugin's error may quote the request that it choked on (`JSON.parse` does), so the log gets what
// cannot: its class, its code and where it was thrown.

/** What the log tells of an error. */
interface ErrorDescription {
  name: string;
  code?: string;
  frames?: string[];
  cause?: ErrorDescription;
}

const MAX_FRAMES = 10;

/** Loggable parts of anything thrown, and of its cause: never a message. */
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

// The stack begins with the message, which may have lines that look like frames.
function stackFrames(error: Error): string[] {
  const stack = String(error.stack);
  const end = stack.indexOf(error.message) + error.message.length;
  const frames = stack.slice(end).match(/^ {4}at .*/gm) ?? [];
  return frames.slice(0, MAX_FRAMES).map((frame) => frame.slice('    at '.length));
}
