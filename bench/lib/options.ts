// The command line of a benchmark: the numbers and paths that it declares, and what all of them have.
import { parseArgs } from 'node:util';

interface NumberOption {
  readonly default: number;
  readonly help: string;
}

export type BenchOptions<Numbers extends string, Paths extends string> = Readonly<
  Record<Numbers | 'rounds' | 'calm', number>
> &
  Readonly<Record<Paths | 'out', string | undefined>>;

const COMMON_NUMBERS = {
  rounds: { default: 5, help: 'times that each is measured' },
  calm: { default: 5, help: 'seconds that each measurement waits for a machine that does nothing else' },
};
const COMMON_PATHS = { out: 'write the report there, as JSON' };

/** The path that benchmarks declare which can profile our processes. */
export const PROFILE = {
  profile: 'write CPU profiles of our processes into this folder (slower: not for figures)',
};

/** Node.js's arguments for a process that is to be profiled. */
export const profileArguments = (folder: string | undefined): string[] =>
  folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];

/**
 * Reads the command line; `--help` prints the options and ends the process.
 *
 * @param paths what a path is for, by its option
 * @throws on an option that is none, and on a number that is none
 */
export function benchOptions<Numbers extends string, Paths extends string = never>(
  usage: string,
  numbers: Readonly<Record<Numbers, NumberOption>>,
  paths = {} as Readonly<Record<Paths, string>>,
): BenchOptions<Numbers, Paths> {
  const numberOptions = Object.entries<NumberOption>({ ...COMMON_NUMBERS, ...numbers });
  const pathOptions = Object.entries<string>({ ...paths, ...COMMON_PATHS });
  const names = [...numberOptions, ...pathOptions].map(([name]) => name);
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(helpText(usage, numberOptions, pathOptions));
    process.exit(0);
  }
  const given = values as Partial<Record<string, string>>;
  const read = numberOptions.map(([name, option]): [string, number] => {
    const value = Number(given[name] ?? option.default);
    if (!(value >= 0)) {
      throw new Error(`--${name} takes a number from 0`);
    }
    return [name, value];
  });
  // Exactly the names of the type, by construction.
  return Object.fromEntries([
    ...read,
    ...pathOptions.map(([name]): [string, string | undefined] => [name, given[name]]),
  ]) as BenchOptions<Numbers, Paths>;
}

function helpText(
  usage: string,
  numbers: readonly (readonly [string, NumberOption])[],
  paths: readonly (readonly [string, string])[],
): string {
  return `${[
    usage,
    ...numbers.map(([name, option]) => `  --${name} N   ${option.help} (default ${option.default})`),
    ...paths.map(([name, help]) => `  --${name} PATH   ${help}`),
    'A real Kong is used where KONG_BIN names its executable, the Kong emulator otherwise.',
  ].join('\n')}\n`;
}
