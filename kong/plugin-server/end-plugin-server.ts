// Ends a plugin server that cannot continue, with a message for the process that started it.
import { CommanderError } from 'commander';
import { ConfigError } from '../../schemas/config-error';
import { exitCodeOf } from '../process/program';
import { PluginServerError } from './plugin-server-error';
import { reportToKong } from './report-to-kong';

/**
 * Kong recognizes one exit code: for 127 it logs an error with the start command, which it could not run
 * (kong/runloop/plugin_servers/process.lua). Run that command by hand to see the reason.
 */
const EXIT_LOGGED_BY_KONG = 127;

/** Ends the process after an error at startup: with 1, or 2 for wrong usage. Our own errors print their message, others their stack. */
export function endOverStart(error: unknown): never {
  if (error instanceof CommanderError) {
    const exitCode = exitCodeOf(error);
    // Commander has printed the message.
    return exitCode === 0 ? process.exit(0) : endWith(error.message, exitCode);
  }
  const isOurs = error instanceof ConfigError || error instanceof PluginServerError;
  const text = isOurs || !(error instanceof Error) ? String((error as Error).message) : String(error.stack);
  process.stderr.write(`${text}\n`);
  return endWith(isOurs ? error.message : String(error), 1);
}

/** Ends the process. If Kong started it, the message is also written to Kong's error log. */
export function endWith(sentence: string, exitCode: number): never {
  return process.exit(reportToKong(sentence) === 'unheard' ? EXIT_LOGGED_BY_KONG : exitCode);
}
