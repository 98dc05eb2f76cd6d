// Whether the kernel grants the plugin server the backlog that it asks for.
import { readFile } from 'node:fs/promises';
import { warning, type CheckResult } from './finding';

export const SOMAXCONN_FILE = '/proc/sys/net/core/somaxconn';

/** @param file where the kernel says what it grants; another system than Linux has none. */
export async function checkBacklog(requested: number, file: string = SOMAXCONN_FILE): Promise<CheckResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return { name: 'backlog', seen: 'not known on this system', findings: [] };
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
              `ARR_LISTEN_BACKLOG is ${String(requested)} and the kernel of this machine grants ${String(granted)} ` +
                '(net.core.somaxconn): where a plugin server runs, raise the one or lower the other.',
            ),
          ],
  };
}
