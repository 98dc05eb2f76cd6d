import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Gateway, GatewayOptions } from '../gateway';
import { markConfig } from './config-in-force';
import { endProcesses, kill } from './end-processes';
import { fileIdentity } from './file-identity';
import { freePort } from './free-port';
import { configText, prepareGateway, type GatewaySetup } from './gateway-setup';
import { kongConf } from './kong-conf';
import { startOutsidePluginServer } from './outside-plugin-server';
import { findPluginServerPids } from './plugin-server-pids';
import { socketAccepts } from './socket-ready';
import { until } from '../until';

const LOG_TAIL_BYTES = 4000;
const run = promisify(execFile);

/** Starts a real Kong in a prefix of its own. */
export async function startKong(bin: string, options: GatewayOptions): Promise<Gateway> {
  const kong = new KongInstallation(bin, prepareGateway(options));
  try {
    return await kong.start();
  } catch (error) {
    const tail = (await kong.log()).slice(-LOG_TAIL_BYTES);
    await kong.stop();
    throw new Error(`Kong did not start: ${String(error)}\n${tail}`, { cause: error });
  }
}

class KongInstallation {
  readonly #bin: string;
  readonly #setup: GatewaySetup;
  readonly #pids = (): number[] => findPluginServerPids(this.#setup.prefix, this.#setup.pluginServer.command);
  #stopping: Promise<void> | null = null;

  constructor(bin: string, setup: GatewaySetup) {
    this.#bin = bin;
    this.#setup = setup;
  }

  async start(): Promise<Gateway> {
    const { prefix, pluginServer } = this.#setup;
    const ports = { proxy: await freePort(), admin: await freePort() };
    fs.writeFileSync(this.#file('kong.conf'), kongConf(this.#setup, ports, await this.#pluginName()));
    const config = markConfig(this.#setup.config);
    fs.writeFileSync(this.#file('declarative.yml'), config.text);
    await startOutsidePluginServer(this.#setup);
    await this.#kong('start', '-c', this.#file('kong.conf'));
    await config.isInForce(ports.proxy);
    if (pluginServer.starts) await until('the plugin server', () => socketAccepts(pluginServer.socketPath));
    const adminUrl = `http://127.0.0.1:${ports.admin}`;
    return {
      kind: 'kong',
      version: (await this.#kong('version')).trim(),
      proxyUrl: `http://127.0.0.1:${ports.proxy}`,
      proxyPort: ports.proxy,
      adminUrl,
      prefix,
      socketPath: pluginServer.socketPath,
      pluginServerPids: () => Promise.resolve(this.#pids()),
      applyConfig: (next) => this.#applyConfig(adminUrl, ports.proxy, configText(next)),
      reload: () => this.#reload(),
      log: () => this.log(),
      stop: () => this.stop(),
    };
  }

  log(): Promise<string> {
    const file = this.#file('logs/error.log');
    return Promise.resolve(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { prefix } = this.#setup;
    const master = nginxMaster(this.#file('pids/nginx.pid'));
    if (master !== null) kill(master, 'SIGTERM');
    for (const pid of this.#pids()) kill(pid, 'SIGTERM');
    await endProcesses(() => [...(master !== null && isAlive(master) ? [master] : []), ...this.#pids()]);
    fs.rmSync(prefix, { recursive: true, force: true });
  }

  async #applyConfig(adminUrl: string, proxyPort: number, text: string): Promise<void> {
    const config = markConfig(text);
    const body = JSON.stringify({ config: config.text });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${adminUrl}/config`, { method: 'POST', body, headers });
    // Read in any case: an unread response occupies its connection.
    const answer = await response.text();
    if (!response.ok) throw new Error(`POST /config answered ${response.status}: ${answer}`);
    // A reload reads the file again.
    fs.writeFileSync(this.#file('declarative.yml'), config.text);
    await config.isInForce(proxyPort);
  }

  async #reload(): Promise<void> {
    const { ownSocketPath, isManaged } = this.#setup.pluginServer;
    const before = fileIdentity(ownSocketPath);
    await this.#kong('reload', '-c', this.#file('kong.conf'));
    if (!isManaged) return;
    await until('the new plugin server', async () => {
      const now = fileIdentity(ownSocketPath);
      return now !== null && now !== before && (await socketAccepts(ownSocketPath));
    });
  }

  /** The first plugin of the dump, which is the only one that Kong takes. */
  async #pluginName(): Promise<string> {
    const { stdout } = await run('/bin/sh', ['-c', this.#setup.pluginServer.queryCommand]);
    const dump = JSON.parse(stdout) as { Name: string }[] | { Plugins: { Name: string }[] };
    const first = (Array.isArray(dump) ? dump : dump.Plugins)[0];
    if (!first) throw new Error(`the dump has no plugin: ${stdout}`);
    return first.Name;
  }

  async #kong(...args: string[]): Promise<string> {
    // What is set for some other Kong is not for this one.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KONG_')));
    const words = [...args, ...(args[0] === 'version' ? [] : ['-p', this.#setup.prefix])];
    // Plugin servers run where Kong was started: in the root folder, as in a container.
    const { stdout } = await run(this.#bin, words, { env, cwd: '/' });
    return stdout;
  }

  #file(name: string): string {
    return path.join(this.#setup.prefix, name);
  }
}

function nginxMaster(pidFile: string): number | null {
  const text = fs.existsSync(pidFile) ? fs.readFileSync(pidFile, 'utf8').trim() : '';
  // Of a Kong that did not come far the file is empty, and 0 would be this very process group.
  return /^[1-9]\d*$/.test(text) ? Number(text) : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
