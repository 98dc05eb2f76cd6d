// What a subcommand has to say: once as data, once for people.

/** 0 done; 1 failed, or the doctor found errors; 2 wrong use, or a --yes is missing; 3 no such job or queue. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface Report {
  readonly exitCode: ExitCode;
  /** What `--json` prints. */
  readonly json: unknown;
  /** What is printed without it. */
  readonly text: (style: Style) => string;
}

/** How text may be set off; on anything but a terminal not at all. */
export interface Style {
  readonly paint: (text: string, colour: 'red' | 'yellow' | 'green' | 'bold') => string;
}

/** Ends a subcommand early: the message goes to stderr. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export const usageError = (message: string): CommandError => new CommandError(2, message);
export const notFound = (message: string): CommandError => new CommandError(3, message);
