// The command line of a benchmark: numbers that it declares, and what all of them have.
import { parseArgs } from 'node:util';

export interface NumberOption {
  readonly default: number;
  readonly help: string;
}

export type BenchOptions<Name extends string> = Readonly<Record<Name, number>> & {
  /** Where the report goes as JSON. */
  readonly out: string | undefined;
  /** Folder for the CPU profiles of our own processes. */
  readonly profile: string | undefined;
};

/** Reads the command line; `--help` prints the options and ends the process. @throws on an option that is none */
export function benchOptions<Name extends string>(
  usage: string,
  numbers: Readonly<Record<Name, NumberOption>>,
): BenchOptions<Name> {
  const declared = Object.entries<NumberOption>(numbers);
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(declared.map(([name]) => [name, { type: 'string' as const }])),
      out: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(helpText(usage, declared));
    process.exit(0);
  }
  const given = values as Partial<Record<string, string>>;
  const read = declared.map(([name, option]): [string, number] => {
    const value = Number(given[name] ?? option.default);
    if (!(value > 0)) throw new Error(`--${name} takes a number over 0`);
    return [name, value];
  });
  // The entries are those of `numbers`, name by name.
  return { ...(Object.fromEntries(read) as Record<Name, number>), out: values.out, profile: values.profile };
}

function helpText(usage: string, declared: readonly (readonly [string, NumberOption])[]): string {
  const lines = declared.map(
    ([name, option]) => `  --${name} N   ${option.help} (default ${option.default})`,
  );
  return `${[
    usage,
    ...lines,
    '  --out FILE   write the report there, as JSON',
    '  --profile FOLDER   write CPU profiles of our own processes there (slower: not for figures)',
    'A real Kong is used where KONG_BIN names its executable, the gateway stand-in otherwise.',
  ].join('\n')}\n`;
}
