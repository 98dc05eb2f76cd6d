// The output of a subcommand, as data and as text.

/** 0 success; 1 failure, or the doctor found errors; 2 wrong usage, or --yes is missing; 3 no such job or queue. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface Report {
  readonly exitCode: ExitCode;
  /** The output with `--json`. */
  readonly json: unknown;
  /** The output without `--json`. */
  readonly text: (style: Style) => string;
}

/** Colors of the text. They are used on terminals only. */
export interface Style {
  readonly paint: (text: string, color: 'red' | 'yellow' | 'green' | 'bold') => string;
}

/** Ends a subcommand with an error. The message is printed to stderr. */
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
