#!/usr/bin/env node
// A worker in its own process. Any number of workers may run, on any machine that reaches Redis and the upstreams.
// Settings come from the environment (ARR_*) and the file that ARR_SETTINGS_FILE names: docs/configuration.md.
import { CommanderError } from 'commander';
import { SecretStore } from '../plugins/async-request-reply/secrets/secret-store';
import { JobWorker } from '../plugins/async-request-reply/worker/worker';
import { ConfigError } from '../schemas/config-error';
import { resolveSettings } from '../schemas/resolve-settings';
import { describeUnknownVariables } from '../schemas/unknown-variables';
import { refuseUnsupportedSettings } from './process/refuse-unsupported-settings';
import { createLogger } from './process/create-logger';
import { startHealthServer } from './process/health-server';
import { exitCodeOf, newProgram } from './process/program';
import { readSecretsFile } from './process/read-secrets-file';
import { workerOptions } from './worker/worker-options';

const HELP = `
Settings come from the environment (ARR_*) and the file that ARR_SETTINGS_FILE names: docs/configuration.md.`;

function main(args: readonly string[]): void {
  newProgram(
    'async-request-reply-worker',
    'Runs jobs of the plugin async-request-reply: calls the upstreams.',
  )
    .addHelpText('after', HELP)
    .parse(args, { from: 'user' });
  const settings = resolveSettings(process.env);
  refuseUnsupportedSettings(settings);
  const secrets = new SecretStore(readSecretsFile(settings.secrets_file).values());
  const log = createLogger({ name: 'async-request-reply-worker', level: settings.log_level });
  describeUnknownVariables(process.env).forEach((sentence) => log.warn(sentence));
  const worker = JobWorker.start(workerOptions(settings, log, secrets));
  const { health_listen: listen } = settings;
  if (listen !== undefined) {
    startHealthServer({ listen, log, reasons: () => worker.reasons() });
  }
  const stop = (signal: NodeJS.Signals): void => {
    log.info({ signal }, 'draining');
    worker.stop(settings.drain_timeout_seconds * 1000).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'worker could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  // Last, since a process that waits for this line may send a signal immediately.
  log.info({ pid: process.pid }, 'worker started');
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) {
    process.exit(exitCodeOf(error));
  }
  if (!(error instanceof ConfigError)) {
    throw error;
  }
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
