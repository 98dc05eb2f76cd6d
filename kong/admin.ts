#!/usr/bin/env node
// The command-line tool for administrators: docs/administration.md. Plugin servers and workers may run meanwhile.
import { CommanderError } from 'commander';
import { AsyncError } from '../plugins/async-request-reply/errors/async-error';
import { ConfigError } from '../schemas/config-error';
import { resolveSettings } from '../schemas/resolve-settings';
import { openAdmin } from './admin/admin-context';
import { parseCommandLine } from './admin/command-line';
import { CommandError, type ExitCode, type Style } from './admin/report';
import { toTerminalJson, toTerminalText } from './admin/terminal-text';
import { exitCodeOf } from './process/program';

const COLOURS = { bold: 1, red: 31, green: 32, yellow: 33 } as const;

function styleOf(stream: NodeJS.WriteStream): Style {
  const isPlain = !stream.isTTY || (process.env['NO_COLOR'] ?? '') !== '';
  return {
    paint: (text, colour) => (isPlain ? text : `\u001b[${String(COLOURS[colour])}m${text}\u001b[0m`),
  };
}

async function run(args: readonly string[]): Promise<ExitCode> {
  const { task, isJson, variables } = await parseCommandLine(args);
  const context = await openAdmin(resolveSettings({ ...process.env, ...variables }));
  try {
    const report = await task(context);
    const text = isJson ? toTerminalJson(report.json) : toTerminalText(report.text(styleOf(process.stdout)));
    process.stdout.write(`${text}\n`);
    return report.exitCode;
  } finally {
    await context.close();
  }
}

function explain(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has printed the message. Help and version are not errors.
    return exitCodeOf(error);
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${toTerminalText(`async-request-reply: ${message}${causeOf(error)}`)}\n`);
  if (error instanceof CommandError) {
    return error.exitCode;
  }
  return error instanceof ConfigError ? 2 : 1;
}

/** The error message of Redis, which clients of the API do not get. */
const causeOf = (error: unknown): string =>
  error instanceof AsyncError && error.cause instanceof Error ? ` (${error.cause.message})` : '';

// `… | head` closes the pipe early. That is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
});

run(process.argv.slice(2)).then(
  (exitCode) => (process.exitCode = exitCode),
  (error: unknown) => (process.exitCode = explain(error)),
);
