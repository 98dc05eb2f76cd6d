import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 20;

const residentMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Watches how much more memory (RSS, in MiB) processes take than at the beginning. */
export class ResidentMemory {
  readonly #before: ReadonlyMap<number, number>;
  readonly #peak = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[]) {
    this.#before = new Map(pids.map((pid) => [pid, residentMib(pid)]));
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  #look(): void {
    for (const pid of this.#before.keys()) {
      this.#peak.set(pid, Math.max(this.#peak.get(pid) ?? 0, residentMib(pid)));
    }
  }

  /** Ends the watch. @returns the most that each process has grown, in the order of the PIDs */
  stop(): number[] {
    clearInterval(this.#timer);
    this.#look();
    return [...this.#before].map(([pid, before]) => Math.round((this.#peak.get(pid) ?? before) - before));
  }
}
