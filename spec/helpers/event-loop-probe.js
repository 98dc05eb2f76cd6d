// Preloaded into a plugin server: at each SIGUSR2 it writes the longest that its main thread's event loop stood still since
// the last one to the file that ARR_SPEC_STALLS names, twice in ms: without what the thread waited for a processor, which is
// the machine's load and no work of its own, and plainly, as perf_hooks has it.
'use strict';

const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { isMainThread } = require('node:worker_threads');

const EVERY_MS = 5;

/** Time on the run queue, in ms (proc(5): the second field). */
const waitedMs = () => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;

if (isMainThread) {
  let longestMs = 0;
  let last = { at: performance.now(), waited: waitedMs() };
  const plain = monitorEventLoopDelay({ resolution: EVERY_MS });
  plain.enable();
  setInterval(() => {
    const now = { at: performance.now(), waited: waitedMs() };
    longestMs = Math.max(longestMs, now.at - last.at - EVERY_MS - (now.waited - last.waited));
    last = now;
  }, EVERY_MS).unref();
  process.on('SIGUSR2', () => {
    const file = process.env.ARR_SPEC_STALLS;
    // Its figures have the time between two looks in them.
    writeFileSync(`${file}.new`, `${longestMs} ${plain.max / 1e6 - EVERY_MS}`);
    renameSync(`${file}.new`, file);
    longestMs = 0;
    plain.reset();
  });
}
