import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { GatewayOptions } from '../gateway';

export const REPOSITORY = path.resolve(__dirname, '../../..');

/** The options with their defaults in place and everything spelled out for one prefix. */
export interface GatewaySetup {
  prefix: string;
  config: string;
  nginxInclude: string | null;
  workers: number;
  pluginTimeoutMs: number;
  routerFlavor: string;
  trustedIps: string[];
  pluginServer: {
    command: string[];
    startCommand: string;
    queryCommand: string;
    isManaged: boolean;
    starts: boolean;
    /** Where the plugin server itself listens. */
    ownSocketPath: string;
    /** Where the gateway connects. */
    socketPath: string;
  };
}

const SOCKET_NAME = 'async-request-reply.sock';

/** Makes the prefix, a new folder; a unix socket's path has to be short, so it stands in the system's temporary one. */
export function prepareGateway(options: GatewayOptions): GatewaySetup {
  const given = options.pluginServer ?? defaultPluginServer();
  const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'arr-'));
  const command = given.command.map((word) => word.replaceAll('{prefix}', prefix));
  const queryCommand = given.queryCommand.map((word) => word.replaceAll('{prefix}', prefix));
  const environment = Object.entries(given.env ?? {}).map(([name, value]) => `${name}=${value}`);
  const withEnvironment = (words: string[]): string =>
    ['/usr/bin/env', ...environment, ...words].map(shellWord).join(' ');
  const ownSocketPath = path.join(prefix, socketName(command));
  return {
    prefix,
    config: configText(options.config),
    nginxInclude: includeFile(options.nginxInclude),
    workers: options.workers ?? 2,
    pluginTimeoutMs: options.pluginTimeoutMs ?? 60_000,
    routerFlavor: options.routerFlavor ?? process.env['KONG_ROUTER_FLAVOR'] ?? 'traditional',
    trustedIps: options.trustedIps ?? [],
    pluginServer: {
      command,
      startCommand: withEnvironment(command),
      queryCommand: withEnvironment(queryCommand),
      isManaged: given.managed ?? true,
      starts: given.starts ?? true,
      ownSocketPath,
      socketPath: given.socketPath?.replaceAll('{prefix}', prefix) ?? ownSocketPath,
    },
  };
}

export function configText(config: string | object): string {
  // JSON, since it is the same in every YAML.
  return typeof config === 'string' ? config : JSON.stringify(config);
}

function defaultPluginServer(): {
  command: string[];
  queryCommand: string[];
  env?: Record<string, string>;
  managed?: boolean;
  starts?: boolean;
  socketPath?: string;
} {
  const script = path.join(REPOSITORY, 'dist/kong/plugin-server.js');
  if (!fs.existsSync(script)) throw new Error(`${script} is not there: run "npm run build" first`);
  return {
    command: [process.execPath, script, '-p', '{prefix}', '--sock-name', SOCKET_NAME],
    queryCommand: [process.execPath, script, '--dump-all-plugins'],
  };
}

/** The name that the command gives the socket, or kong-pdk's own. */
function socketName(command: string[]): string {
  const at = command.indexOf('--sock-name');
  return (at < 0 ? undefined : command[at + 1]) ?? 'js_pluginserver.sock';
}

function includeFile(given: string | false | undefined): string | null {
  if (given === false) return null;
  const file = given ?? path.join(REPOSITORY, 'kong/nginx/async-request-reply.conf');
  return given !== undefined || fs.existsSync(file) ? file : null;
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
