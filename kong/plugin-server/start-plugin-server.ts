// Starts the server for a directory with a plugin, and stops it at a signal.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { drain } from './drain';
import type { ErrorReply } from './error-reply';
import { listenForRpc } from './rpc-listener';
import { RpcServer } from './rpc-server';

interface StartOptions {
  /** Kong's prefix, the directory of the socket. */
  readonly prefix: string;
  readonly sockName: string;
  readonly pluginsDirectory: string;
  readonly backlog: number;
  /** Permissions of the socket. */
  readonly socketMode: number;
  readonly drainTimeoutMs: number;
  readonly logger: Logger;
  /** See RpcServerOptions. */
  readonly internalErrorReply: ErrorReply;
  readonly goneReply: ErrorReply;
  /** Called with what each plugin's entry file exports, by plugin name, before the socket is opened; awaited. */
  readonly onLoaded?: (plugins: ReadonlyMap<string, unknown>) => Promise<void> | void;
  /** Called whenever Kong's last connection has closed. Kong's workers close connections that are idle for a minute, and all when they end. */
  readonly onDeserted?: () => void;
  /** Called at the first signal, before the drain: waiting requests must be released. */
  readonly onDrain?: () => void;
  /** Hooks that run at SIGTERM and SIGINT, the last first, when the server is idle. Hooks may be added while it runs. */
  readonly onStop: readonly (() => Promise<void>)[];
}

/** The exit code of a shell for a process that a second signal ended. */
const EXIT_FORCED = 143;

/**
 * Loads the plugin, opens the socket PREFIX/SOCKNAME and installs the handlers of SIGTERM and SIGINT: the first one
 * drains and ends the process with 0 (1 if a stop hook failed or took too long), leaving the socket's path as it is; the
 * second ends it at once.
 *
 * @throws PluginServerError `ERR_NO_PLUGIN`, `ERR_STARTUP`, or the error of `onLoaded` or of opening the socket
 */
export async function startPluginServer(options: StartOptions): Promise<void> {
  const { logger, onStop, drainTimeoutMs } = options;
  const server = new RpcServer(options);
  await options.onLoaded?.(new Map([...server.plugins].map(([name, plugin]) => [name, plugin.mod])));

  const socketPath = join(options.prefix, options.sockName);
  const { backlog, socketMode: mode, onDeserted } = options;
  const listener = await listenForRpc({
    socketPath,
    backlog,
    mode,
    server,
    logger,
    ...(onDeserted !== undefined && { onDeserted }),
  });
  const isIdle = (): boolean => server.eventCount === 0 && listener.isIdle();

  let isStopping = false;
  const stop = (signal: string): void => {
    logger.info({ signal, events: server.eventCount }, isStopping ? 'exiting at once' : 'draining');
    if (isStopping) {
      process.exit(EXIT_FORCED);
    }
    isStopping = true;
    options.onDrain?.();
    void drain({ isIdle, timeoutMs: drainTimeoutMs, onStop, logger }).then((succeeded) => {
      logger.info('stopped');
      process.exit(succeeded ? 0 : 1);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  logger.info({ socketPath, plugins: [...server.plugins.keys()] }, 'plugin server started');
}
