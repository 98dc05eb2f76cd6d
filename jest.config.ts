import type { Config } from 'jest';

// One project a kind of spec, so that `npx jest --selectProjects unit` runs alone.
const project = (name: string): NonNullable<Config['projects']>[number] => ({
  displayName: name,
  rootDir: __dirname,
  testMatch: [`<rootDir>/spec/${name}/**/*.spec.ts`],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json', diagnostics: false }] },
  testEnvironment: 'node',
});

// What only a real Kong can show is part of a run that has one; everything else runs on whichever gateway is there.
const kinds = ['unit', 'contract', 'integration', ...(process.env['KONG_BIN'] ? ['kong'] : [])];

const config: Config = {
  projects: kinds.map(project),
  reporters: ['default', '<rootDir>/scripts/totals-reporter.js'],
  maxWorkers: 2,
  testTimeout: 30_000,
};

export default config;
