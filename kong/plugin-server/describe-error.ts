// Errors in the log. A plugin's error may quote the request that it choked on (`JSON.parse` does), so the log gets what
// cannot: its class, its code and where it was thrown.

/** Loggable parts of anything thrown: never its message. */
export function describeError(error: unknown): { name: string; code?: string; frames?: string[] } {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = (error as { code?: unknown }).code;
  const frames = String(error.stack).match(/^ {4}at .*/gm);
  return {
    name: error.constructor.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(frames === null ? {} : { frames: frames.slice(0, 10).map((frame) => frame.slice(7)) }),
  };
}
