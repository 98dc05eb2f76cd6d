import { readdirSync, readFileSync } from 'node:fs';

/** The most memory that any process of a gateway has had, in bytes: those that name its prefix, and their children. */
export function peakMemoryBytes(prefix: string): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => view(pid));
  const named = new Set(processes.filter(({ command }) => command.includes(prefix)).map(({ pid }) => pid));
  const peaks = processes
    .filter(({ pid, parent }) => named.has(pid) || named.has(parent))
    .map(({ peakBytes }) => peakBytes);
  if (peaks.length === 0) throw new Error(`no process names ${prefix}`);
  return Math.max(...peaks);
}

function view(pid: string): { pid: string; parent: string; command: string; peakBytes: number }[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const value = (name: string): string => new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? '0';
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    return [{ pid, parent: value('PPid'), command, peakBytes: Number(value('VmHWM')) * 1024 }];
  } catch {
    // It has ended.
    return [];
  }
}
