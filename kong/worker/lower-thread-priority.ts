// A thread that yields to the others when they compete for a processor.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Of 19: a tenth of the share of a thread with none (sched(7)). */
const NICENESS = 10;

/** Lowers the priority of the calling thread permanently. Only Linux has a priority for each thread: elsewhere this does nothing. */
export function lowerThreadPriority(): void {
  let thread: number;
  try {
    thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return;
  }
  setPriority(thread, NICENESS);
}
