// Handles errors that no caller catches. While the process is dead, requests bypass the plugin until Kong has started it again.
import type { Logger } from 'pino';
import { describeError } from './describe-error';
import { endWith } from './end-plugin-server';

/**
 * An unhandled rejection is only logged: a call such as `kong.log.info(…)` that a plugin did not await may reject when its
 * event is abandoned. An uncaught exception leaves the process in an unknown state: it is logged without its message, and
 * the process ends with 1. Errors of stdout and stderr are ignored: after Kong's death the server runs until it is stopped.
 */
export function handleUnhandled(logger: Logger): void {
  process.on('unhandledRejection', (reason) => {
    logger.error({ error: describeError(reason) }, 'unhandled rejection');
  });
  process.on('uncaughtException', (error) => {
    const what = describeError(error);
    logger.fatal({ error: what }, 'uncaught exception');
    endWith(
      `An uncaught ${what.name}${what.code === undefined ? '' : ` (${what.code})`}, of which its own log says more.`,
      1,
    );
  });
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => undefined);
  }
}
