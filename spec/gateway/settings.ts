import fs from 'node:fs';
import path from 'node:path';

/** What the emulator reads from the JSON file that `--config` names. */
export interface KongEmulatorSettings {
  /** The folder that Kong calls its prefix: sockets and logs are in it. */
  prefix: string;
  /** kong.yml, as text. */
  declarativeConfig: string;
  proxyPort: number;
  adminPort: number;
  workers: number;
  pluginTimeoutMs: number;
  /** How many connections may wait to be accepted. */
  backlog: number;
  /** Kong's `trusted_ips`: addresses and networks in CIDR notation. */
  trustedIps: string[];
  /** A file of nginx `map` blocks, or null. */
  nginxInclude: string | null;
  /** A file with the one Lua function that the emulator replaces (kong/fail-closed.lua), or null. */
  knownLua: string | null;
  pluginServer: {
    name: string;
    socketPath: string;
    queryCommand: string;
    /** Null: the plugin server is started elsewhere. */
    startCommand: string | null;
  } | null;
}

/** @throws when the command line names no file, or the file cannot be read */
export function readSettings(argv: string[]): KongEmulatorSettings {
  const at = argv.indexOf('--config');
  const file = argv[at + 1];
  if (at < 0 || file === undefined) throw new Error('usage: kong-emulator --config FILE.json');
  const given = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<KongEmulatorSettings>;
  const prefix = given.prefix ?? path.dirname(path.resolve(file));
  return {
    proxyPort: 0,
    adminPort: 0,
    workers: 2,
    pluginTimeoutMs: 60_000,
    backlog: 4096,
    trustedIps: [],
    nginxInclude: null,
    knownLua: null,
    pluginServer: null,
    declarativeConfig: '_format_version: "3.0"',
    ...given,
    prefix,
  };
}
