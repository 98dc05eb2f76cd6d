// A thread that goes behind the others where they want the same processor.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Of 19: a tenth of the share of a thread with none (sched(7)). */
const NICENESS = 10;

/** Takes the calling thread's priority down, for good. On Linux alone threads have one of their own: elsewhere nothing is done. */
export function lowerThreadPriority(): void {
  let thread: number;
  try {
    thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return;
  }
  setPriority(thread, NICENESS);
}
