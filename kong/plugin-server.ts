#!/usr/bin/env node
// The plugin server's executable, started by Kong (`pluginserver_X_start_cmd`, and `_query_cmd` with
// `--dump-all-plugins`) or by a supervisor. Options as kong-js-pluginserver's; settings from the environment (ARR_*).
import { destination, type Logger } from 'pino';
import { internalErrorReply, restartingReply } from '../plugins/async-request-reply/access/replies';
import type { ShortReply } from '../plugins/async-request-reply/http/reply';
import { pluginRuntime } from '../plugins/async-request-reply/plugin-runtime';
import { resolveSettings } from '../schemas/resolve-settings';
import { describeUnknownVariables } from '../schemas/unknown-variables';
import { dumpPlugins, keepStdoutForDump } from './plugin-server/dump-plugins';
import { endOverStart } from './plugin-server/end-plugin-server';
import type { ErrorReply } from './plugin-server/error-reply';
import { parseArguments } from './plugin-server/parse-arguments';
import { RpcServer } from './plugin-server/rpc-server';
import { startPluginServer } from './plugin-server/start-plugin-server';
import { handleUnhandled } from './plugin-server/handle-unhandled';
import { createLogger } from './process/create-logger';
import { startHealthServer } from './process/health-server';
import { readSecretsFile } from './process/read-secrets-file';
import { ThreadedHandoffListener } from './plugin-server/handoff-listener';
import { refuseUnsupportedSettings } from './process/refuse-unsupported-settings';
import { WorkerThreads } from './worker/worker-threads';

const STDERR = 2;

/** Other users may not access files of this process. A Kong in the background starts it with a umask of 0. */
const UMASK = 0o077;
const OCTAL = 8;

/** Converts a reply of the plugin to the form in which the server sends it if the plugin cannot. */
const errorReply = ({ status, headers, body }: ShortReply): ErrorReply => ({
  status,
  body: body.toString('latin1'),
  headers: Object.fromEntries(headers),
});

async function main(args: readonly string[]): Promise<void> {
  process.umask(UMASK);
  const { kongPrefix: prefix, sockName, pluginsDirectory, ...cli } = parseArguments(args);
  const settings = resolveSettings(process.env);
  refuseUnsupportedSettings(settings);
  const secrets = readSecretsFile(settings.secrets_file);
  const replies = {
    internalErrorReply: errorReply(internalErrorReply()),
    goneReply: errorReply(restartingReply()),
  };
  const logLevel = cli.verbose > 0 ? 'debug' : settings.log_level;
  const logger = createLogger({ level: logLevel }, destination({ dest: STDERR, sync: false }));
  handleUnhandled(logger);
  try {
    if (cli.dumpAllPlugins || cli.dumpPluginInfo !== undefined) {
      keepStdoutForDump();
      const server = new RpcServer({ pluginsDirectory, logger, ...replies });
      await dumpPlugins(server, cli.dumpPluginInfo);
    }
    describeUnknownVariables(process.env).forEach((sentence) => logger.warn(sentence));
    const onStop: (() => Promise<void>)[] = [];
    await startPluginServer({
      prefix,
      sockName,
      pluginsDirectory,
      backlog: settings.listen_backlog,
      socketMode: Number.parseInt(settings.socket_mode, OCTAL),
      drainTimeoutMs: settings.drain_timeout_seconds * 1000,
      logger,
      ...replies,
      onLoaded: async () => {
        const runtime = pluginRuntime();
        runtime.log.level = logLevel;
        const handoff = await ThreadedHandoffListener.start(logger, {
          logLevel,
          backlog: settings.listen_backlog,
        });
        runtime.handoff = handoff;
        secrets.forEach((secret) => runtime.secrets.add(secret));
        const threads = new WorkerThreads({ ...settings, log_level: logLevel }, logger, runtime.secrets);
        runtime.stores.watcher = {
          opened: (redis, keyPrefix) => threads.need(redis, keyPrefix),
          closed: (redis, keyPrefix) => threads.drop(redis, keyPrefix),
        };
        startHealth(settings.health_listen, logger, async () => [
          ...(await runtime.stores.silent()).map((name) => `Redis does not answer: ${name}`),
          ...threads.reasons(),
        ]);
        onStop.push(
          () => runtime.validators.close(),
          () => runtime.stores.close(),
          () => threads.stop(),
          () => handoff.stop(),
        );
      },
      onDeserted: () => pluginRuntime().instanceStores.resetSequence(),
      onDrain: () => pluginRuntime().stores.requests.release(),
      onStop,
    });
  } catch (error) {
    endOverStart(error);
  }
}

/** Closes its port at the first signal: a reload starts the next process before this one has ended. */
function startHealth(
  listen: string | undefined,
  log: Logger,
  reasons: () => Promise<readonly string[]>,
): void {
  if (listen !== undefined) {
    const health = startHealthServer({ listen, log, reasons });
    const close = (): void => void health.close();
    process.once('SIGTERM', close).once('SIGINT', close);
  }
}

main(process.argv.slice(2)).catch(endOverStart);
