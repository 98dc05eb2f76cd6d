// A worker in a process of its own, as it runs on machines that have no Kong.
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { Stack } from './stack';

const WORKER = resolve(__dirname, '../../dist/kong/worker.js');

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #output = '';

  /** Starts it on a stack's Redis; it takes queues when they are registered there. */
  constructor({ redis, keyPrefix }: Pick<Stack, 'redis' | 'keyPrefix'>, env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [WORKER], {
      env: { ARR_REDIS_PORT: String(redis.port), ARR_KEY_PREFIX: keyPrefix, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = new Promise((ended) => this.#child.once('close', () => ended()));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get log(): string {
    return this.#output;
  }

  /** SIGSTOP and SIGCONT: its connections stay open and it does nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it by SIGKILL and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to end and waits until it has. @throws when it ends in another way than it should */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
    if (this.#child.exitCode !== 0) {
      const how = this.#child.signalCode ?? this.#child.exitCode;
      throw new Error(`the worker ended with ${how}: ${this.#output.slice(-2000)}`);
    }
  }
}
