// What the command lines of all programs have in common: help, version, and the exit code after wrong usage.
import { Command, type CommanderError } from 'commander';
import { packageVersion } from '../../plugins/async-request-reply/package-version';

/** A program with `--help` and `--version`. Its parsing throws a CommanderError after these, and for wrong usage. */
export const newProgram = (name: string, description: string): Command =>
  new Command()
    .name(name)
    .description(description)
    .version(packageVersion(), '--version')
    .showHelpAfterError(`(${name} --help lists the options)`)
    .exitOverride();

/** The exit code after commander has printed help or version (0), or a message about wrong usage (2). */
export const exitCodeOf = ({ exitCode }: CommanderError): 0 | 2 => (exitCode === 0 ? 0 : 2);
