// Processes that take jobs: our worker, or a script in its place.
import { spawn, type ChildProcess } from 'node:child_process';

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /** Starts `node ...command`; what it logs is thrown away, what it complains of is not. */
  static start(command: readonly string[], env: Readonly<Record<string, string>> = {}): WorkerProcess {
    const child = spawn(process.execPath, command, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...env },
    });
    return new WorkerProcess(child);
  }

  /** @throws when it did not start */
  get pid(): number {
    if (this.#child.pid === undefined) {
      throw new Error('the worker did not start');
    }
    return this.#child.pid;
  }

  /** Lets it finish what it runs, and waits until it is gone. A second call waits for the first. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
