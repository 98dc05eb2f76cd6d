// Ends a plugin server. Kong may still use it (a reload lets the old workers finish), so it accepts requests while it
// waits and keeps its socket open until the end. Its path may already belong to another server.
import type { Logger } from 'pino';
import { describeError } from './describe-error';

/** Interval of the checks whether the server is idle. */
const POLL_MS = 20;

/** What a drain waits for, and what it does then. */
interface DrainOptions {
  /** Whether no event and no request is in progress. */
  readonly isIdle: () => boolean;
  /** How long to wait for that, and how long the stop hooks may then take together. */
  readonly timeoutMs: number;
  /** Run one after another, the last first. One that throws is logged and does not keep the others from running. */
  readonly onStop: readonly (() => Promise<void>)[];
  readonly logger: Logger;
}

/** Resolves to true if every stop hook has run without an error and in time, whether the server became idle or not. */
export async function drain({ isIdle, timeoutMs, onStop, logger }: DrainOptions): Promise<boolean> {
  // Idle twice in a row, with turns of the event loop in between: a request may be about to arrive.
  const checks = Math.ceil(timeoutMs / POLL_MS);
  for (let check = 0, quiet = 0; check < checks && quiet < 2; check++) {
    quiet = isIdle() ? quiet + 1 : 0;
    if (quiet < 2) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  if (!isIdle()) {
    logger.warn({ timeoutMs }, 'drain timed out with requests under way');
  }
  return runWithin(timeoutMs, runStopHooks(onStop, logger), logger);
}

async function runWithin(timeoutMs: number, hooks: Promise<boolean>, logger: Logger): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      logger.error({ timeoutMs }, 'stop hooks timed out');
      resolve(false);
    }, timeoutMs);
  });
  return Promise.race([hooks, timeout]).finally(() => clearTimeout(timer));
}

async function runStopHooks(hooks: DrainOptions['onStop'], logger: Logger): Promise<boolean> {
  let succeeded = true;
  for (const hook of [...hooks].reverse()) {
    try {
      await hook();
    } catch (error) {
      succeeded = false;
      logger.error({ error: describeError(error) }, 'stop hook failed');
    }
  }
  return succeeded;
}
