// Before each turn: what the machine does while the benchmark rests, and a wait for it to do less.
import { setTimeout as delay } from 'node:timers/promises';
import { machineBusySeconds } from './cpu-meter';

/** A quarter of a core: what a machine does that does nothing. */
const CALM_CORES = 0.25;

const LOOK_MS = 1000;

/**
 * Looks at the machine for a second, and again until it is calm or the patience is over. The benchmark's own processes
 * have to be idle.
 *
 * @returns the cores that were busy in the last look
 */
export async function waitForCalm(patienceSeconds: number): Promise<number> {
  const deadlineMs = performance.now() + patienceSeconds * 1000;
  for (;;) {
    const before = machineBusySeconds();
    const startedAt = performance.now();
    await delay(LOOK_MS);
    const busyCores = (machineBusySeconds() - before) / ((performance.now() - startedAt) / 1000);
    if (busyCores < CALM_CORES || performance.now() >= deadlineMs) {
      return busyCores;
    }
  }
}
