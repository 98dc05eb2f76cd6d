// Runs before each spec file of the jest project `handoff-lane`: see lane.ts.
process.env['SPEC_LANE'] = 'handoff';
