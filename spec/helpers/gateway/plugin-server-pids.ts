import fs from 'node:fs';
import path from 'node:path';

/** Programs that only start others, and the gateways themselves. */
const WRAPPERS = new Set([
  'env',
  'sh',
  'bash',
  'dash',
  'nginx',
  'nginx:',
  'openresty',
  'kong',
  'resty',
  'perl',
]);

/** @returns the processes whose command line names the prefix, wrappers, gateways and dumps left out */
export function findPluginServerPids(prefix: string, command: string[]): number[] {
  const script = command.find((word) => /\.[cm]?[jt]s$|pluginserver$/.test(word)) ?? command[0] ?? '';
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const words = commandLine(pid);
      if (words.length === 0 || WRAPPERS.has(path.basename(words[0] ?? ''))) return false;
      if (words.some((word) => word.startsWith('--dump') || word === '-dump-all-plugins')) return false;
      return words.includes(script) && words.some((word) => word.includes(prefix));
    });
}

/** Empty when the process is gone, or a zombie. */
function commandLine(pid: number): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}
