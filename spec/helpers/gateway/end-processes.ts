import { until } from '../until';

const GRACE_MS = 3000;

/** Waits for the processes to end by themselves for a while, then kills them. */
export async function endProcesses(find: () => number[]): Promise<void> {
  const isEmpty = (): boolean => find().length === 0;
  try {
    await until('processes to end', isEmpty, { timeoutMs: GRACE_MS });
  } catch {
    for (const pid of find()) kill(pid, 'SIGKILL');
    await until('killed processes to be gone', isEmpty);
  }
}

/** A signal to a process that may be gone already. @throws for what is no single process's ID */
export function kill(pid: number, signal: NodeJS.Signals): void {
  if (!(pid > 1)) throw new Error(`no process to kill: ${pid}`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
