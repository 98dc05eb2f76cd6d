// A real redis-server that a spec can stop, kill, fill and bring back: a single node, a master, a replica, a Sentinel, a
// node of a Cluster.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { freePort } from './gateway/free-port';
import { until } from './until';

const EXECUTABLE = 'redis-server';
const LOG_TAIL = 2000;

export interface RedisServerOptions {
  /** Append-only file, `everysec`; default true, as the plugin asks for. */
  appendOnly?: boolean;
  /** As redis.conf writes it: `64mb`. Default none. */
  maxMemory?: string;
  /** More settings, by their names in redis.conf. */
  settings?: Record<string, string>;
  /** Settings by which it speaks TLS on its port, and nothing else. */
  tls?: Record<string, string>;
  /** It is a Sentinel with this configuration, and keeps no data. */
  sentinel?: string;
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

  /** @throws when it does not start, after it has ended */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = await RedisServer.reserve(options);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /**
   * Resolves when it answers. Also starts it again after a kill, with the data that it had.
   * @param more settings for this start alone
   */
  async start(more: Record<string, string> = {}): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) throw new Error('it runs already');
    const child = spawn(EXECUTABLE, this.#arguments(more), { stdio: ['ignore', 'pipe', 'pipe'] });
    let failure: Error | null = null;
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure =
        error.code === 'ENOENT'
          ? new Error(`the specs need ${EXECUTABLE} in the PATH: apt-get install redis-server`)
          : error;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on(
        'data',
        (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-LOG_TAIL)),
      );
    }
    const answersPing = async (): Promise<boolean> => {
      if (failure !== null) throw failure;
      if (child.exitCode !== null) throw new Error(`${EXECUTABLE} ended: ${this.log}`);
      // It may not listen yet, or load its append-only file.
      return (await this.command('PING').catch(() => null)) === 'PONG';
    };
    await until(`${EXECUTABLE} on port ${this.port}`, answersPing, { seen: () => this.log });
  }

  /** The end of what it has printed. */
  get log(): string {
    return this.#output;
  }

  /** One command over a connection of its own, which Redis counts no more when the answer is there. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    const { login, tls } = this.#options;
    const client = new Redis({
      host: this.host,
      port: this.port,
      protocol: 2,
      ...login,
      ...(tls && { tls: { rejectUnauthorized: false } }),
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      lazyConnect: true,
    });
    // What goes wrong is thrown by the command.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const answer = await client.call(name, ...args);
      // A Sentinel knows no QUIT.
      await client.quit().catch(() => undefined);
      return answer;
    } finally {
      // ioredis keeps a timer of two seconds for a connection that has ended already.
      if (client.status !== 'end') client.disconnect();
    }
  }

  /** Every key that there is. */
  async keys(): Promise<string[]> {
    return (await this.command('KEYS', '*')) as string[];
  }

  /** Waits until a replica is linked to its master. */
  async follows(): Promise<void> {
    const replication = async (): Promise<string> => String(await this.command('INFO', 'replication'));
    await until(
      `the replica on port ${this.port} to follow`,
      async () => (await replication()).includes('master_link_status:up'),
      { seen: async () => `${await replication()}\n${this.log}` },
    );
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

  #arguments(more: Record<string, string>): string[] {
    const { tls, sentinel } = this.#options;
    const port = String(this.port);
    const settings: Record<string, string> = {
      bind: this.host,
      dir: this.#directory,
      ...(tls ? { port: '0', 'tls-port': port, ...tls } : { port }),
      ...(sentinel === undefined && this.#dataSettings()),
      ...more,
    };
    const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    if (sentinel === undefined) return words;
    // A Sentinel writes what it learns into its file.
    const file = join(this.#directory, 'sentinel.conf');
    writeFileSync(file, sentinel);
    return [file, ...words, '--sentinel'];
  }

  #dataSettings(): Record<string, string> {
    const { appendOnly = true, maxMemory, settings } = this.#options;
    return {
      save: '',
      appendonly: appendOnly ? 'yes' : 'no',
      // What is answered is kept, whenever Redis is killed: with `everysec` a busy disk puts the writing off.
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      'tcp-backlog': '4096',
      'repl-diskless-sync-delay': '0',
      ...(maxMemory === undefined ? {} : { maxmemory: maxMemory }),
      ...settings,
    };
  }
}
