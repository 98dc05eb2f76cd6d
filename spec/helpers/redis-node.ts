// One redis-server process of several, with data of its own: a master, a replica, a Sentinel, a node of a Cluster.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { until } from './until';

export const HOST = '127.0.0.1';

/** What every node that keeps jobs is started with. */
export const DATA = {
  save: '',
  appendonly: 'yes',
  'maxmemory-policy': 'noeviction',
  'repl-diskless-sync-delay': '0',
};

/** With a `tls-cert-file` it speaks TLS and nothing else. */
export class RedisNode {
  readonly port: number;
  readonly #isTls: boolean;
  readonly #directory = mkdtempSync(join(tmpdir(), 'arr-redis-node-'));
  readonly #arguments: string[];
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();

  constructor(port: number, settings: Record<string, string>, configFile?: string) {
    this.port = port;
    this.#isTls = 'tls-cert-file' in settings;
    const file = join(this.#directory, 'redis.conf');
    if (configFile !== undefined) writeFileSync(file, configFile);
    const ports = this.#isTls ? { port: '0', 'tls-port': String(port) } : { port: String(port) };
    const all = { ...ports, bind: HOST, dir: this.#directory, ...settings };
    this.#arguments = [
      ...(configFile === undefined ? [] : [file]),
      ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
      ...(configFile === undefined ? [] : ['--sentinel']),
    ];
  }

  /** @param more settings for this start alone. */
  async start(more: Record<string, string> = {}): Promise<void> {
    const late = Object.entries(more).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn('redis-server', [...this.#arguments, ...late], { stdio: 'ignore' });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    await until(`redis-server on port ${this.port}`, () => this.ask('PING').then(Boolean, () => false));
  }

  async ask(name: string, ...args: string[]): Promise<unknown> {
    const client = new Redis({
      ...{ port: this.port, host: HOST, lazyConnect: true, retryStrategy: () => null },
      ...(this.#isTls && { tls: { rejectUnauthorized: false } }),
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export const isLinked = async (node: RedisNode): Promise<boolean> =>
  String(await node.ask('INFO', 'replication')).includes('master_link_status:up');
