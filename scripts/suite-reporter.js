'use strict';

const { writeSync } = require('node:fs');

const STDOUT = 1;
const SAY_EVERY_MS = 15_000;

const seconds = (ms) => `${Math.round(ms / 1000)} s`;
const failuresOf = ({ numFailedTests, numRuntimeErrorTestSuites }) =>
  numFailedTests + numRuntimeErrorTestSuites;

/**
 * Says how far the suite is, where its time went, and at the end, on a line of its own, what CI reads:
 * `N passed, N failed`. A file that did not run counts as a failure.
 */
class SuiteReporter {
  #startedMs = 0;
  #saidMs = 0;
  #files = 0;

  onRunStart() {
    this.#startedMs = this.#saidMs = performance.now();
  }

  onTestResult(_test, _result, results) {
    this.#files += 1;
    const nowMs = performance.now();
    if (nowMs - this.#saidMs < SAY_EVERY_MS) {
      return;
    }
    this.#saidMs = nowMs;
    const done = `${this.#files} of ${results.numTotalTestSuites} files`;
    const tests = `${results.numPassedTests} tests passed, ${failuresOf(results)} failed`;
    process.stderr.write(`---- ${done}, ${tests}, ${seconds(nowMs - this.#startedMs)}\n`);
  }

  onRunComplete(_contexts, results) {
    // At the exit, since jest's own summary comes after the reporters.
    process.once('exit', () => {
      writeSync(STDOUT, `\n${timeByProject(results)}\n`);
      writeSync(STDOUT, `\n${results.numPassedTests} passed, ${failuresOf(results)} failed\n`);
    });
  }
}

/** The time of the files of each project, which run side by side. */
function timeByProject({ testResults }) {
  const projects = new Map();
  for (const { displayName, perfStats, numPassingTests, numFailingTests } of testResults) {
    const name = displayName?.name ?? '';
    const { ms = 0, files = 0, tests = 0 } = projects.get(name) ?? {};
    const sum = {
      ms: ms + perfStats.runtime,
      files: files + 1,
      tests: tests + numPassingTests + numFailingTests,
    };
    projects.set(name, sum);
  }
  const lines = [...projects].map(
    ([name, { ms, files, tests }]) => `${name}: ${seconds(ms)} in ${files} files, ${tests} tests`,
  );
  return lines.sort().join('\n');
}

module.exports = SuiteReporter;
