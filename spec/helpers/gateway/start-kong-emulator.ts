import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Gateway, GatewayOptions } from '../gateway';
import type { KongEmulatorSettings } from '../../gateway/settings';
import { compileKongEmulator } from './compile-kong-emulator';
import { endProcesses, kill } from './end-processes';
import { fileIdentity } from './file-identity';
import { configText, prepareGateway, REPOSITORY, type GatewaySetup } from './gateway-setup';
import { startOutsidePluginServer } from './outside-plugin-server';
import { findPluginServerPids } from './plugin-server-pids';
import { socketAccepts } from './socket-ready';
import { until } from '../until';

const LOG_TAIL_BYTES = 4000;

/** Starts the Kong emulator as a process of its own. */
export async function startKongEmulator(options: GatewayOptions): Promise<Gateway> {
  const setup = prepareGateway(options);
  const gateway = new KongEmulatorProcess(setup);
  try {
    return await gateway.start();
  } catch (error) {
    const tail = (await gateway.log()).slice(-LOG_TAIL_BYTES);
    await gateway.stop();
    throw new Error(`the Kong emulator did not start: ${String(error)}\n${tail}`, { cause: error });
  }
}

class KongEmulatorProcess {
  readonly #setup: GatewaySetup;
  readonly #pids = (): number[] => findPluginServerPids(this.#setup.prefix, this.#setup.pluginServer.command);
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;

  constructor(setup: GatewaySetup) {
    this.#setup = setup;
  }

  async start(): Promise<Gateway> {
    await startOutsidePluginServer(this.#setup);
    const { proxyPort, adminPort } = await this.#launch();
    const { socketPath, starts } = this.#setup.pluginServer;
    if (starts) await this.#until('the plugin server', () => socketAccepts(socketPath));
    const adminUrl = `http://127.0.0.1:${adminPort}`;
    return {
      kind: 'emulator',
      version: '3.9.3',
      proxyUrl: `http://127.0.0.1:${proxyPort}`,
      proxyPort,
      adminUrl,
      prefix: this.#setup.prefix,
      socketPath,
      pluginServerPids: () => Promise.resolve(this.#pids()),
      applyConfig: (config) => post(`${adminUrl}/config`, configText(config)),
      reload: () => this.#reload(adminUrl),
      log: () => this.log(),
      stop: () => this.stop(),
    };
  }

  log(): Promise<string> {
    return Promise.resolve(this.#errorLog());
  }

  get #logFile(): string {
    return path.join(this.#setup.prefix, 'logs', 'error.log');
  }

  #errorLog(): string {
    return fs.existsSync(this.#logFile) ? fs.readFileSync(this.#logFile, 'utf8') : '';
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    for (const pid of this.#pids()) kill(pid, 'SIGTERM');
    await this.#ended;
    await endProcesses(this.#pids);
    fs.rmSync(this.#setup.prefix, { recursive: true, force: true });
  }

  /** Runs the emulator; resolves with the ports that it prints when it listens. */
  async #launch(): Promise<{ proxyPort: number; adminPort: number }> {
    const file = path.join(this.#setup.prefix, 'kong-emulator.json');
    fs.writeFileSync(file, JSON.stringify(this.#settings()));
    // nginx makes its error log its standard error.
    fs.mkdirSync(path.dirname(this.#logFile), { recursive: true });
    const log = fs.openSync(this.#logFile, 'a');
    const child = spawn(process.execPath, [compileKongEmulator(), '--config', file, '--with-parent'], {
      cwd: REPOSITORY,
      stdio: ['pipe', 'pipe', log],
    });
    fs.closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    let stdout = '';
    child.once('close', (code, signal) => {
      // Once it listens, specs would only see refused connections; a start that fails throws.
      if (stdout !== '' && !this.#stopping) {
        process.stderr.write(`the Kong emulator ended by itself (${signal ?? code}): ${this.#errorLog()}\n`);
      }
    });
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    await this.#until('the emulator', () => stdout.includes('\n'));
    return JSON.parse(stdout) as { proxyPort: number; adminPort: number };
  }

  #settings(): KongEmulatorSettings {
    const { prefix, config, workers, pluginTimeoutMs, nginxInclude, pluginServer, trustedIps } = this.#setup;
    return {
      prefix,
      declarativeConfig: config,
      proxyPort: 0,
      adminPort: 0,
      workers,
      pluginTimeoutMs,
      backlog: 16384,
      trustedIps,
      nginxInclude,
      knownLua: path.join(REPOSITORY, 'kong/fail-closed.lua'),
      pluginServer: {
        name: 'arr',
        socketPath: pluginServer.socketPath,
        queryCommand: pluginServer.queryCommand,
        startCommand: pluginServer.isManaged ? pluginServer.startCommand : null,
      },
    };
  }

  async #reload(adminUrl: string): Promise<void> {
    const { ownSocketPath } = this.#setup.pluginServer;
    const before = fileIdentity(ownSocketPath);
    await post(`${adminUrl}/reload`, '');
    if (!this.#setup.pluginServer.isManaged) return;
    await until('the new plugin server', async () => {
      const now = fileIdentity(ownSocketPath);
      return now !== null && now !== before && (await socketAccepts(ownSocketPath));
    });
  }

  /** @throws at once when the emulator has ended */
  async #until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const holds = (): boolean | Promise<boolean> => {
      const code = this.#child?.exitCode ?? null;
      if (code !== null) throw new Error(`it ended with code ${code}`);
      return condition();
    };
    await until(what, holds, { seen: () => this.#errorLog() });
  }
}

async function post(url: string, body: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', body });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}
