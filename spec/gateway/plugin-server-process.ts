import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { GatewayLog } from './gateway-log';

/** Kong starts a plugin server at most once a second. */
const RESPAWN_INTERVAL_MS = 1000;

/** With which a shell ends that finds no such command: the one end that Kong logs as an error. */
const COMMAND_NOT_FOUND = 127;

/**
 * A managed plugin server, as Kong's worker 0 has one: started with no environment in `/`, its output in the log,
 * started again when it ends, SIGTERM at the end. Its own process group, so that a signal to the gateway's spares it.
 */
export class PluginServerProcess {
  readonly #command: string;
  readonly #name: string;
  readonly #log: GatewayLog;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: { command: string; name: string; log: GatewayLog }) {
    this.#command = options.command;
    this.#name = options.name;
    this.#log = options.log;
    this.#start();
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Sends SIGTERM and does not wait: a drain may take long, and Kong does not wait either. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#child?.kill('SIGTERM');
  }

  #start(): void {
    const startedAtMs = Date.now();
    this.#log.notice(`[pluginserver] starting pluginserver process for ${this.#name}`);
    const child = spawn('/bin/sh', ['-c', `exec ${this.#command}`], {
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#log.notice(`[pluginserver] started, pid ${child.pid}`);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) =>
        this.#log.info(`[${this.#name}:${child.pid}] ${line}`),
      );
    }
    child.on('exit', (code, signal) => {
      if (code === COMMAND_NOT_FOUND) {
        const { name, command } = { name: this.#name, command: this.#command };
        this.#log.error(
          `[pluginserver] external pluginserver "${name}" start command "${command}" exited with "command not found"`,
        );
      } else {
        this.#log.notice(
          `external pluginserver '${this.#name}' terminated: ${signal ?? 'exit'} ${code ?? ''}`,
        );
      }
      this.#child = null;
      if (this.#stopped) return;
      const waitMs = Math.max(0, startedAtMs + RESPAWN_INTERVAL_MS - Date.now());
      this.#timer = setTimeout(() => this.#start(), waitMs);
    });
  }
}
