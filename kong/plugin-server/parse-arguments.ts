// The command line, as kong-js-pluginserver's, so that one can stand in for the other in kong.conf.
import { resolve } from 'node:path';
import { Command } from 'commander';

/** What the command line asks for. */
export type Arguments = {
  readonly kongPrefix: string;
  readonly sockName: string;
  /** Absolute. */
  readonly pluginsDirectory: string;
  readonly dumpAllPlugins: boolean;
  readonly dumpPluginInfo?: string;
  /** How often `-v` was given; any number means the debug level, as with kong-js-pluginserver. */
  readonly verbose: number;
};

const OWN_PLUGINS = resolve(__dirname, '../../plugins');
/** Long options that kong-js-pluginserver takes with a single dash too. */
const SINGLE_DASH = /^-(kong-prefix|plugins-directory|dump-plugin-info|dump-all-plugins)(?==|$)/;

/**
 * Parses the arguments that follow the script's name. `--help` and `--version` print and end the process with 0, an
 * unknown option with 1.
 */
export function parseArguments(args: readonly string[], version: string): Arguments {
  const program = new Command()
    .name('async-request-reply-plugin-server')
    .version(version, '--version')
    .option('-p, --kong-prefix <prefix>', "Kong's prefix: the directory of the socket", '/usr/local/kong')
    .option('--sock-name <name>', 'file name of the socket in it', 'async-request-reply.socket')
    .option('-d, --plugins-directory <directory>', 'directory of the plugin', OWN_PLUGINS)
    .option('--dump-all-plugins', "print Kong's description of the plugins as JSON and exit", false)
    .option('--dump-plugin-info <name>', 'print the description of one plugin as MsgPack and exit')
    .option(
      '-v, --verbose',
      'log at debug level, whatever ARR_LOG_LEVEL says',
      (_, count: number) => count + 1,
      0,
    );
  program.parse(
    args.map((arg) => arg.replace(SINGLE_DASH, '-$&')),
    { from: 'user' },
  );
  const options = program.opts<Arguments>();
  return { ...options, pluginsDirectory: resolve(options.pluginsDirectory) };
}
