'use strict';

// Compiles into dist/ and lays the Lua files beside the code that reads them. dist/plugins holds exactly one entry,
// as Kong's stock plugin server wants it.
const { execFileSync } = require('node:child_process');
const { chmodSync, cpSync, rmSync, statSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const inRoot = (...parts) => path.join(root, ...parts);

rmSync(inRoot('dist'), { recursive: true, force: true });
execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', inRoot('tsconfig.build.json')], {
  stdio: 'inherit',
});
const isLua = (file) => statSync(file).isDirectory() || file.endsWith('.lua');
cpSync(inRoot('plugins'), inRoot('dist', 'plugins'), { recursive: true, filter: isLua });
for (const file of ['plugin-server.js', 'worker.js', 'admin.js']) {
  chmodSync(inRoot('dist', 'kong', file), 0o755);
}
