import type { Config } from 'jest';

// One project a kind of spec, so that `npx jest --selectProjects unit` runs alone.
const project = (name: string): NonNullable<Config['projects']>[number] => ({
  displayName: name,
  rootDir: __dirname,
  testMatch: [`<rootDir>/spec/${name}/**/*.spec.ts`],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json', diagnostics: false }] },
  testEnvironment: 'node',
});

const config: Config = {
  projects: ['unit', 'contract', 'integration'].map(project),
  reporters: ['default', '<rootDir>/scripts/totals-reporter.js'],
  maxWorkers: 2,
  testTimeout: 30_000,
};

export default config;
