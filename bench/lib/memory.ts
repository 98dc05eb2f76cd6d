// Memory of a plugin server, measured in itself after its garbage was collected.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../spec/helpers/until';

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  /** Buffers and the like, outside the heap. */
  readonly external: number;
}

/** The file with the figures of one process, and the options that it must be started with. */
export class MemoryProbe {
  /** For Node.js, before the script. */
  readonly nodeArguments = ['--expose-gc', '-r', path.join(__dirname, 'memory-probe.js')];
  readonly env: Readonly<Record<string, string>>;
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'arr-memory-'));
  readonly #file = path.join(this.#directory, 'memory.json');

  constructor() {
    this.env = { ARR_BENCH_MEMORY: this.#file };
  }

  /** Has the process collect its garbage, and reads what is left. */
  async read(pid: number): Promise<Memory> {
    rmSync(this.#file, { force: true });
    process.kill(pid, 'SIGUSR2');
    return await until('the memory figures', () => this.#figures(), { timeoutMs: 60_000 });
  }

  close(): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true });
    return Promise.resolve();
  }

  #figures(): Memory | null {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Memory;
    } catch {
      return null; // Not written yet.
    }
  }
}
