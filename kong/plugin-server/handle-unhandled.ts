// What no caller can catch, in a process whose death lets requests pass by the plugin until Kong has started the next.
import type { Logger } from 'pino';
import { describeError } from './describe-error';
import { endWith } from './end-plugin-server';

/**
 * A rejection that nobody handles is logged and that is all: a call such as `kong.log.info(…)` that a plugin did not
 * await may reject when its event is given up. An exception outside of any event leaves the process in an unknown
 * state: it is logged without its message, and the process ends with 1. Output that nobody reads any more is dropped:
 * after Kong's death the server goes on until it is told to stop.
 */
export function handleUnhandled(logger: Logger): void {
  process.on('unhandledRejection', (reason) => {
    logger.error({ err: describeError(reason) }, 'unhandled rejection');
  });
  process.on('uncaughtException', (error) => {
    const what = describeError(error);
    logger.fatal({ err: what }, 'uncaught exception');
    endWith(
      `An uncaught ${what.name}${what.code === undefined ? '' : ` (${what.code})`}, of which its own log says more.`,
      1,
    );
  });
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => undefined);
  }
}
