// How a plugin server ends that cannot go on: with a sentence for whoever started it.
import { CommanderError } from 'commander';
import { ConfigError } from '../../schemas/config-error';
import { exitCodeOf } from '../process/program';
import { PluginServerError } from './plugin-server-error';
import { reportToKong } from './report-to-kong';

/**
 * Kong knows one exit code: with 127 it logs as an error that the start command cannot be run, and which it is
 * (kong/runloop/plugin_servers/process.lua). Run by hand the command says the rest.
 */
const EXIT_LOGGED_BY_KONG = 127;

/** Ends the process over an error of its start: 1, or 2 for wrong use. A message of ours says what to do, others keep their stack. */
export function endOverStart(error: unknown): never {
  if (error instanceof CommanderError) {
    const exitCode = exitCodeOf(error);
    // It has been printed.
    return exitCode === 0 ? process.exit(0) : endWith(error.message, exitCode);
  }
  const isOurs = error instanceof ConfigError || error instanceof PluginServerError;
  const text = isOurs || !(error instanceof Error) ? String((error as Error).message) : String(error.stack);
  process.stderr.write(`${text}\n`);
  return endWith(isOurs ? error.message : String(error), 1);
}

/** Ends the process, with the sentence in Kong's error log where Kong has started it. */
export function endWith(sentence: string, exitCode: number): never {
  return process.exit(reportToKong(sentence) === 'unheard' ? EXIT_LOGGED_BY_KONG : exitCode);
}
