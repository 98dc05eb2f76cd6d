import { availableParallelism } from 'node:os';
import type { Config } from 'jest';
import { PATIENCE_MS, TEST_TIMEOUT_MS } from './spec/helpers/patience';

type Project = Exclude<NonNullable<Config['projects']>[number], string>;

// One project a kind of spec, so that `npx jest --selectProjects unit` runs alone.
const project = (name: string, more: Project = {}): Project => ({
  displayName: name,
  rootDir: __dirname,
  testMatch: [`<rootDir>/spec/${name}/**/*.spec.ts`],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json', diagnostics: false }] },
  testEnvironment: 'node',
  ...more,
});

// What only a real Kong can show is part of a run that has one; everything else runs on whichever gateway is there.
const kinds = ['unit', 'contract', 'integration', ...(process.env['KONG_BIN'] ? ['kong'] : [])];

/** The heart of the specs once more, with every body and every replay in the handoff lane. */
const handoffLane = project('handoff-lane', {
  testMatch: ['01-requirements', '03-poll', '05-fidelity-*'].map(
    (name) => `<rootDir>/spec/integration/${name}.spec.ts`,
  ),
  setupFiles: ['<rootDir>/spec/helpers/take-handoff-lane.ts'],
});

const config: Config = {
  projects: [...kinds.map((kind) => project(kind)), handoffLane],
  reporters: ['default', '<rootDir>/scripts/suite-reporter.js'],
  // Much of the specs' time is waiting for what takes its time, such as a lease to end.
  maxWorkers: availableParallelism() + 1,
  testTimeout: TEST_TIMEOUT_MS,
  // jest's own half a second is too short for a process to end on a busy machine.
  workerGracefulExitTimeout: PATIENCE_MS,
};

export default config;
