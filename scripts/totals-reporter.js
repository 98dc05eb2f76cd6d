'use strict';

/** Ends a run with the one line that CI reads: `N passed, N failed`. A suite that did not run counts as a failure. */
class TotalsReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    process.stdout.write(`\n${results.numPassedTests} passed, ${failed} failed\n`);
  }
}

module.exports = TotalsReporter;
