// The real plugin server in a process of its own, as Kong starts it.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../helpers/until';

const ROOT = resolve(__dirname, '../../..');
const FIXTURES = join(ROOT, 'spec/fixtures/plugins');

/** One line of the server's log; what is no JSON stands in `msg`. */
interface LogLine {
  msg: string;
  level?: number;
  [key: string]: unknown;
}

/** Arguments for `node` that run the compiled executable with a plugin of spec/fixtures/plugins. */
export function serverCommand(plugin: string, args: readonly string[]): string[] {
  const executable = join(ROOT, 'dist/kong/plugin-server.js');
  return [executable, '-d', join(FIXTURES, plugin), ...args];
}

/** A directory of its own for each test's sockets. */
export function makePrefix(): { prefix: string; remove: () => void } {
  const prefix = mkdtempSync(join(tmpdir(), 'arr-'));
  return { prefix, remove: () => rmSync(prefix, { recursive: true, force: true }) };
}

interface ServerOptions {
  readonly plugin?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly umask?: string;
  /** Further arguments of the command line. */
  readonly args?: readonly string[];
}

/** A running plugin server. Its socket is PREFIX/s. */
export class ServerProcess {
  readonly socketPath: string;
  readonly log: LogLine[] = [];
  /** Exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  readonly #child: ChildProcess;

  private constructor(
    prefix: string,
    { plugin = 'js-lab', env = {}, umask = '022', args = [] }: ServerOptions,
  ) {
    this.socketPath = join(prefix, 's');
    const command = serverCommand(plugin, ['-p', prefix, '--sock-name', 's', ...args]);
    const underUmask = ['-c', `umask ${umask} && exec "$0" "$@"`, process.execPath, ...command];
    this.#child = spawn('/bin/sh', underUmask, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = new Promise((settle) => {
      this.#child.once('exit', (code, signal) => settle(signal ?? code ?? -1));
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#onLine(line));
    }
  }

  /** Starts a server, whatever becomes of it. */
  static spawn(prefix: string, options: ServerOptions = {}): ServerProcess {
    return new ServerProcess(prefix, options);
  }

  /** Starts a server and waits until it listens. @throws when it does not, after it has ended */
  static async start(prefix: string, options: ServerOptions = {}): Promise<ServerProcess> {
    const server = ServerProcess.spawn(prefix, options);
    try {
      await server.logged('plugin server started');
      return server;
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  /** The first log line that says `msg`, now or later; rejects when the server ends without it. */
  async logged(msg: string): Promise<LogLine> {
    const seen = (): string => JSON.stringify(this.log);
    const find = (): LogLine | undefined => {
      const line = this.log.find((candidate) => candidate.msg === msg);
      const how = this.#child.signalCode ?? this.#child.exitCode;
      if (line === undefined && how !== null) throw new Error(`ended (${how}) without "${msg}": ${seen()}`);
      return line;
    };
    return await until(`the plugin server to log "${msg}"`, find, { seen });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Hangs up on its output, as the death of Kong does. */
  hangUp(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Ends it with no ceremony, if it still runs. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  #onLine(line: string): void {
    let entry: LogLine;
    try {
      entry = JSON.parse(line) as LogLine;
    } catch {
      entry = { msg: line };
    }
    this.log.push(entry);
  }
}
