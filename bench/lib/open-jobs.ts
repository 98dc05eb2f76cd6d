import { until } from '../../spec/helpers/until';

/** Far longer than any queue of a benchmark takes, so that a queue that does not move is detected. */
const TIMEOUT_MS = 600_000;

/** Waits until so many jobs are open at most. @returns how many are @throws after ten minutes */
export async function openAtMost(openJobs: () => Promise<number>, count: number): Promise<number> {
  const look = async (): Promise<{ open: number } | null> => {
    const open = await openJobs();
    return open <= count ? { open } : null;
  };
  return (await until(`${count} open jobs`, look, { timeoutMs: TIMEOUT_MS })).open;
}
