// What the command lines of all programs have in common: help, version, and how they end over what they do not know.
import { Command, type CommanderError } from 'commander';
import { packageVersion } from '../../plugins/async-request-reply/package-version';

/** A program that knows `--help` and `--version`. Its parsing throws a CommanderError after that, and for wrong use. */
export const newProgram = (name: string, description: string): Command =>
  new Command()
    .name(name)
    .description(description)
    .version(packageVersion(), '--version')
    .showHelpAfterError(`(${name} --help lists what it takes)`)
    .exitOverride();

/** With what a program ends once commander has printed help, version (0), or a sentence on wrong use (2). */
export const exitCodeOf = ({ exitCode }: CommanderError): 0 | 2 => (exitCode === 0 ? 0 : 2);
