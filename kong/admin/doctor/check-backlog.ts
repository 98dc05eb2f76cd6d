// Checks whether the kernel grants the backlog that the plugin server requests.
import { readFile } from 'node:fs/promises';
import { warning, type CheckResult } from './finding';

const SOMAXCONN_FILE = '/proc/sys/net/core/somaxconn';

/** @param file the kernel's limit; only Linux has this file. */
export async function checkBacklog(requested: number, file: string = SOMAXCONN_FILE): Promise<CheckResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return { name: 'backlog', seen: 'unknown on this system', findings: [] };
  }
  const granted = Number(text);
  return {
    name: 'backlog',
    seen: String(granted),
    findings:
      granted >= requested
        ? []
        : [
            warning(
              `ARR_LISTEN_BACKLOG is ${String(requested)}, but the kernel of this machine grants ${String(granted)} ` +
                '(net.core.somaxconn). If a plugin server runs here, raise net.core.somaxconn or lower the setting.',
            ),
          ],
  };
}
