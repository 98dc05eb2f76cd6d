// It changes a thread for good: so in a process of its own.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const MODULE = resolve(__dirname, '../../../kong/worker/lower-thread-priority.ts');

const inWorker = `
  require('ts-node/register/transpile-only');
  const { lowerThreadPriority } = require(${JSON.stringify(MODULE)});
  lowerThreadPriority();
  const task = require('node:fs').readlinkSync('/proc/thread-self').split('/').at(-1);
  require('node:worker_threads').parentPort.postMessage(require('node:os').getPriority(Number(task)));
`;

const program = `
  const { Worker } = require('node:worker_threads');
  new Worker(${JSON.stringify(inWorker)}, { eval: true }).on('message', (ofThread) => {
    process.stdout.write(JSON.stringify([ofThread, require('node:os').getPriority()]));
  });
`;

test('lowers the priority of the calling thread only', () => {
  const before = Number(
    execFileSync(process.execPath, ['-p', 'require("node:os").getPriority()'], { encoding: 'utf8' }),
  );
  const printed = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });

  expect(JSON.parse(printed)).toEqual([10, before]);
});
