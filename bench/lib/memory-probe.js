// Preloaded into a plugin server (`node --expose-gc -r …/memory-probe.js`): on SIGUSR2 it collects garbage and writes what
// memory is left to the file that ARR_BENCH_MEMORY names.
'use strict';

const { renameSync, writeFileSync } = require('node:fs');

/** One collection leaves what finalizers and weak references let go of for the next. */
const COLLECTIONS = 3;

process.on('SIGUSR2', () => {
  for (let n = 0; n < COLLECTIONS; n++) {
    globalThis.gc();
  }
  const file = process.env.ARR_BENCH_MEMORY;
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${file}.new`, file);
});
