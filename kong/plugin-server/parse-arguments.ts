// The command line. It is compatible with kong-js-pluginserver's, so that either can be named in kong.conf.
import { resolve } from 'node:path';
import { newProgram } from '../process/program';

/** What the command line asks for. */
interface Arguments {
  readonly kongPrefix: string;
  readonly sockName: string;
  /** Absolute. */
  readonly pluginsDirectory: string;
  readonly dumpAllPlugins: boolean;
  readonly dumpPluginInfo?: string;
  /** How often `-v` was given; any number means the debug level, as with kong-js-pluginserver. */
  readonly verbose: number;
}

const HELP = `
Settings come from the environment (ARR_*) and the file that ARR_SETTINGS_FILE names: docs/configuration.md.`;

const OWN_PLUGINS = resolve(__dirname, '../../plugins');
/** Long options that kong-js-pluginserver takes with a single dash too. */
const SINGLE_DASH = /^-(kong-prefix|plugins-directory|dump-plugin-info|dump-all-plugins)(?==|$)/;

/**
 * Parses the arguments that follow the script's name.
 *
 * @throws CommanderError for help, version and wrong use, once it has been printed
 */
export function parseArguments(args: readonly string[]): Arguments {
  const program = newProgram(
    'async-request-reply-plugin-server',
    'Serves the plugin async-request-reply to Kong over a unix socket, and runs workers beside it.',
  )
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
    )
    .addHelpText('after', HELP);
  program.parse(
    args.map((arg) => arg.replace(SINGLE_DASH, '-$&')),
    { from: 'user' },
  );
  const options = program.opts<Arguments>();
  return { ...options, pluginsDirectory: resolve(options.pluginsDirectory) };
}
