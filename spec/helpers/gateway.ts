import { startKong } from './gateway/start-kong';
import { startKongEmulator } from './gateway/start-kong-emulator';

export interface PluginServerOptions {
  /** Absolute paths; `{prefix}` in an argument stands for the gateway's prefix. */
  command: string[];
  /** What prints the dump of the plugins. */
  queryCommand: string[];
  env?: Record<string, string>;
  /** False: the helper starts the plugin server, once, and the gateway only connects to it. Default true. */
  managed?: boolean;
  /** False: it does not start, and nothing waits for it. Default true. */
  starts?: boolean;
  /** Where the gateway connects, when that is not the plugin server's own socket. */
  socketPath?: string;
}

export interface GatewayOptions {
  /** kong.yml, as text or as the object that it says. */
  config: string | object;
  /** Default: `node dist/kong/plugin-server.js`, which has to be built. */
  pluginServer?: PluginServerOptions;
  /** A file for nginx's http block. Default: the repository's, when it exists. */
  nginxInclude?: string | false;
  /** nginx workers; default 2. */
  workers?: number;
  /** How long the gateway waits for a plugin server's answer; default 60 s, as Kong. */
  pluginTimeoutMs?: number;
  /** Addresses whose `X-Forwarded-*` the gateway trusts; default: none. */
  trustedIps?: string[];
  /** Real Kong only; default: the environment's `KONG_ROUTER_FLAVOR`, else `traditional`. */
  routerFlavor?: string;
}

export interface Gateway {
  kind: 'kong' | 'emulator';
  version: string;
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  proxyUrl: string;
  proxyPort: number;
  adminUrl: string;
  prefix: string;
  /** Where the gateway finds the plugin server. */
  socketPath: string;
  /** The plugin servers that run, as the processes that they are, without the wrappers that started them. */
  pluginServerPids(): Promise<number[]>;
  /** Resolves when the new configuration is in force in every worker. @throws when the gateway refuses it */
  applyConfig(config: string | object): Promise<void>;
  /** Like `kong reload`; resolves when the new plugin server listens. */
  reload(): Promise<void>;
  /** The error log so far. */
  log(): Promise<string>;
  /** Ends everything that was started, whatever state it is in; a second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * Starts whichever gateway is there: a real Kong where `KONG_BIN` names its executable, the emulator otherwise. Resolves when it takes requests and the plugin server can be reached.
 * @throws when it does not start, with the end of its log in the message
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const kongBin = process.env['KONG_BIN'];
  if (kongBin) return await startKong(kongBin, options);
  return await startKongEmulator(options);
}
