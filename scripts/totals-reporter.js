'use strict';

const { writeSync } = require('node:fs');

const STDOUT = 1;

/** Ends a run with the one line that CI reads: `N passed, N failed`. A suite that did not run counts as a failure. */
class TotalsReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // At the exit, since jest's own summary comes after the reporters.
    process.once('exit', () => writeSync(STDOUT, `\n${results.numPassedTests} passed, ${failed} failed\n`));
  }
}

module.exports = TotalsReporter;
