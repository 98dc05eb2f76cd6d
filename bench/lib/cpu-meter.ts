// Processor time by process, from /proc: how much of it a request costs depends far less on what else the machine does
// than how many requests fit into a second.
import { readFileSync } from 'node:fs';

/** `USER_HZ`, 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/PID/stat behind the command's closing parenthesis, counted from 0 (proc(5)). */
const UTIME = 11;
const STIME = 12;
const CUTIME = 13;
const CSTIME = 14;

/** Fields of the first line of /proc/stat that are work: user, nice, system, irq, softirq. */
const BUSY_FIELDS = [1, 2, 3, 6, 7];

interface Metered<T> {
  readonly result: T;
  readonly seconds: number;
  /** Processor seconds by group, all threads of its processes together. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Processors that were busy with something else than the groups, this process and the children it waited for. */
  readonly othersCores: number;
}

/** Runs `work` and tells what the processes of each group spent in the meantime. A process that ends counts no more. */
export async function metered<T>(
  groups: Readonly<Record<string, readonly number[]>>,
  work: () => Promise<T>,
): Promise<Metered<T>> {
  const before = reading(groups);
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  const after = reading(groups);
  const cpuSeconds = Object.fromEntries(
    Object.keys(groups).map((name) => [name, (after.groups[name] ?? 0) - (before.groups[name] ?? 0)]),
  );
  const ours = Object.values(cpuSeconds).reduce((sum, value) => sum + value, after.own - before.own);
  const othersCores = Math.max(0, (after.machine - before.machine - ours) / seconds);
  return { result, seconds, cpuSeconds, othersCores };
}

function reading(groups: Readonly<Record<string, readonly number[]>>): {
  groups: Record<string, number>;
  own: number;
  machine: number;
} {
  const spent = Object.entries(groups).map(([name, pids]): [string, number] => [
    name,
    pids.reduce((sum, pid) => sum + ticks(String(pid), [UTIME, STIME]), 0) / TICKS_PER_SECOND,
  ]);
  return {
    groups: Object.fromEntries(spent),
    own: ticks('self', [UTIME, STIME, CUTIME, CSTIME]) / TICKS_PER_SECOND,
    machine: machineBusySeconds(),
  };
}

/** 0 when the process is gone. */
function ticks(pid: string, fields: readonly number[]): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return 0;
  }
  const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, field) => sum + Number(values[field]), 0);
}

/** Processor seconds that the machine has spent on whatever it was, since it was started. */
export function machineBusySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n');
  const values = line.split(/\s+/);
  return BUSY_FIELDS.reduce((sum, field) => sum + Number(values[field]), 0) / TICKS_PER_SECOND;
}
