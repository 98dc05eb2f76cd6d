#!/usr/bin/env node
// The plugin server's executable, started by Kong (`pluginserver_X_start_cmd`, and `_query_cmd` with
// `--dump-all-plugins`) or by a supervisor. Options as kong-js-pluginserver's; settings from the environment (ARR_*).
import { pino, type Logger } from 'pino';
import { dumpPlugins, keepStdoutForDump } from './plugin-server/dump-plugins';
import type { ErrorReply } from './plugin-server/error-reply';
import { packageVersion } from './plugin-server/package-version';
import { parseArguments } from './plugin-server/parse-arguments';
import { readSettings } from './plugin-server/read-settings';
import { RpcServer } from './plugin-server/rpc-server';
import { startPluginServer } from './plugin-server/start-plugin-server';
import { surviveStrays } from './plugin-server/survive-strays';

const STDERR = 2;

const problem = (status: number, type: string, title: string): ErrorReply => ({
  status,
  body: JSON.stringify({ type: `https://async-request-reply.dev/problems/${type}`, title, status }),
  headers: { 'content-type': 'application/problem+json' },
});
const internalErrorReply = problem(500, 'internal-error', 'Internal error');
const goneReply = problem(503, 'plugin-restarting', 'Plugin is restarting');

async function main(args: readonly string[]): Promise<void> {
  const {
    kongPrefix: prefix,
    sockName,
    pluginsDirectory,
    ...cli
  } = parseArguments(args, packageVersion(__dirname));
  const settings = readSettings(process.env);
  const logger = pino(
    { level: cli.verbose > 0 ? 'debug' : settings.logLevel },
    pino.destination({ dest: STDERR, sync: false }),
  );
  surviveStrays(logger);
  try {
    if (cli.dumpAllPlugins || cli.dumpPluginInfo !== undefined) {
      keepStdoutForDump();
      const server = new RpcServer({ pluginsDirectory, logger, internalErrorReply, goneReply });
      await dumpPlugins(server, cli.dumpPluginInfo);
    }
    const onStop: (() => Promise<void>)[] = [];
    await startPluginServer({
      prefix,
      sockName,
      pluginsDirectory,
      backlog: settings.listenBacklog,
      drainTimeoutMs: settings.drainTimeoutMs,
      logger,
      internalErrorReply,
      goneReply,
      // The plugin is loaded, the socket not yet open: worker threads start here, and push their stop to `onStop`.
      onLoaded: () => undefined,
      onStop,
    });
  } catch (error) {
    failToStart(logger, error);
  }
}

// Nothing of a request is about yet, so that the message can be told.
function failToStart(logger: Logger, error: unknown): never {
  logger.fatal({ err: error }, 'plugin server did not start');
  return process.exit(1);
}

void main(process.argv.slice(2));
