import { ConfigError, type ConfigProblem } from '../../../schemas/config-error';

/** The problems that a resolver finds; fails where it finds none. */
export function problemsOf(resolve: () => unknown): readonly ConfigProblem[] {
  try {
    resolve();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('nothing was refused');
}
