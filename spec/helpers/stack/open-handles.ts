import { until } from '../until';

/**
 * What keeps a process alive and is ours to close: sockets, servers, child processes, timers. Some of a library's timers
 * outlive what they are for by a second or two.
 */
const OURS = /^(TCPSocketWrap|TCPServerWrap|PipeServerWrap|ProcessWrap|Timeout)$/;

function count(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo().filter((name) => OURS.test(name))) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/**
 * Remembers what is open now.
 * @returns a check that waits for what has been opened since to be closed, and @throws naming what stays open
 */
export function watchOpenHandles(): () => Promise<void> {
  const before = count();
  const left = (): string[] =>
    [...count()].flatMap(([kind, now]) => {
      const more = now - (before.get(kind) ?? 0);
      return more > 0 ? [`${more} ${kind}`] : [];
    });
  return async () => {
    await until('everything to be closed', () => left().length === 0, { seen: left });
  };
}
