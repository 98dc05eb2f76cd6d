// The end of a plugin server. Kong may still be using it (a reload lets the old workers finish), so it refuses nothing
// while it waits, and keeps its socket open to the last: the path may be another server's by now.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { describeError } from './describe-error';

/** How often to look whether all is quiet. */
const POLL_MS = 20;

/** What a drain waits for and what it then does. */
export type DrainOptions = {
  /** Whether no event and no request is under way. */
  readonly isIdle: () => boolean;
  /** How long to wait for that, and how long the stop hooks may then take together. */
  readonly timeoutMs: number;
  /** Run one after another, the last first. One that throws is logged and does not keep the others from running. */
  readonly onStop: readonly (() => Promise<void>)[];
  readonly logger: Logger;
};

/** Resolves to whether everything ended as it should: idle or not, every stop hook has run and within its time. */
export async function drain({ isIdle, timeoutMs, onStop, logger }: DrainOptions): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  // Twice in a row, with a turn of the event loop between: a request may be on its way in.
  for (let quiet = 0; quiet < 2 && performance.now() < deadline;) {
    quiet = isIdle() ? quiet + 1 : 0;
    if (quiet < 2) await delay(POLL_MS);
  }
  if (!isIdle()) logger.warn({ timeoutMs }, 'drain timed out with requests under way');

  const abort = new AbortController();
  const timeout = delay(timeoutMs, false, { signal: abort.signal }).catch(() => false);
  const inTime = await Promise.race([runStopHooks(onStop, logger), timeout]);
  abort.abort();
  return inTime;
}

async function runStopHooks(hooks: DrainOptions['onStop'], logger: Logger): Promise<boolean> {
  let succeeded = true;
  for (const hook of [...hooks].reverse()) {
    try {
      await hook();
    } catch (error) {
      succeeded = false;
      logger.error({ err: describeError(error) }, 'stop hook failed');
    }
  }
  return succeeded;
}
