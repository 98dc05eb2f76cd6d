/** The only error class of this folder: the configuration is invalid. */

export interface ConfigProblem {
  /** Dotted path of the field, with list positions from 0: `callback.targets[0].secrets[1]`. */
  readonly field: string;
  /** Names the field, the shape of its value (never the value of a string) and the remedy. */
  readonly message: string;
}

/** Thrown by resolveConfig and resolveSettings. Lists every problem. Match on `code`, never on the message. */
export class ConfigError extends Error {
  readonly code = 'config-invalid';
  readonly status = 500;
  readonly problems: readonly ConfigProblem[];

  constructor(subject: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(`${subject} cannot be used: ${problems.map((problem) => problem.message).join(' ')}`, options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
