// A real redis-server for one spec file, which can be stopped, killed, filled and brought back.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { freePort } from './gateway/free-port';
import { until } from './until';

const EXECUTABLE = 'redis-server';

export interface RedisServerOptions {
  /** Append-only file, `everysec`; default true, as the plugin asks for. */
  appendOnly?: boolean;
  /** As redis.conf writes it: `64mb`. Default none. */
  maxMemory?: string;
  /** More settings, by their names in redis.conf. */
  settings?: Record<string, string>;
  /** Whom `command` logs in as, where the default user may not. */
  login?: { username: string; password: string };
}

export class RedisServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #options: RedisServerOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), 'arr-redis-'));
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  #output = '';

  private constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.#options = options;
  }

  /** A server that is not started yet: `start()` does that. */
  static async reserve(options: RedisServerOptions = {}): Promise<RedisServer> {
    return new RedisServer(await freePort(), options);
  }

  /** Resolves when it answers. Also starts it again after a kill, with the data that it had. */
  async start(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) throw new Error('it runs already');
    const child = spawn(EXECUTABLE, this.#arguments(), { stdio: ['ignore', 'pipe', 'inherit'] });
    let failure: Error | null = null;
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure =
        error.code === 'ENOENT'
          ? new Error(`the specs need ${EXECUTABLE} in the PATH: apt-get install redis-server`)
          : error;
    });
    child.stdout.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    await until(`${EXECUTABLE} on port ${this.port}`, async () => {
      if (failure !== null) throw failure;
      if (child.exitCode !== null) throw new Error(`${EXECUTABLE} ended: ${this.#output.slice(-2000)}`);
      return (await portAccepts(this.port)) && (await this.#answersPing());
    });
  }

  /** One command over a connection of its own; for a spec's own look into Redis. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    const client = new Redis({
      host: this.host,
      port: this.port,
      ...this.#options.login,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      lazyConnect: true,
    });
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  /** Every key that there is. */
  async keys(): Promise<string[]> {
    return (await this.command('KEYS', '*')) as string[];
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT: everything that came in the meantime is carried out. */
  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends the process by the signal and waits until it is gone; the data stay for the next `start()`. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await this.#exited;
  }

  /** Ends it, in whatever state it is, and removes its data. */
  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #arguments(): string[] {
    const { appendOnly = true, maxMemory, settings: more = {} } = this.#options;
    const settings: Record<string, string> = {
      bind: this.host,
      port: String(this.port),
      dir: this.#directory,
      save: '',
      appendonly: appendOnly ? 'yes' : 'no',
      appendfsync: 'everysec',
      'maxmemory-policy': 'noeviction',
      'tcp-backlog': '4096',
      ...(maxMemory === undefined ? {} : { maxmemory: maxMemory }),
      ...more,
    };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  }

  async #answersPing(): Promise<boolean> {
    try {
      return (await this.command('PING')) === 'PONG';
    } catch {
      // Loading its append-only file, or not listening yet.
      return false;
    }
  }
}

function portAccepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
