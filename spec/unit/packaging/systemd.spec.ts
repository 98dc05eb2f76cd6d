import { parseArguments } from '../../../kong/plugin-server/parse-arguments';
import { INSTALLED, missingPaths, readText } from './files';
import { settingsFrom } from './process-settings';

/** The keys of a unit, the last value of each. */
function readUnit(path: string): Record<string, string> {
  const lines = readText(path).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );
}

/** The environment that a unit sets itself. */
const variablesOf = (path: string): Record<string, string> =>
  Object.fromEntries(
    [...readText(path).matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>;

const PLUGIN_SERVER = 'kong/systemd/async-request-reply-plugin-server@.service';
const WORKER = 'kong/systemd/async-request-reply-worker.service';
const drainSeconds = settingsFrom({}).drain_timeout_seconds;

describe.each([
  [PLUGIN_SERVER, `${INSTALLED}/dist/kong/plugin-server.js`, 2],
  [WORKER, `${INSTALLED}/dist/kong/worker.js`, 1],
])('%s', (path, script, drains) => {
  const unit = readUnit(path);

  test('starts what the package has', () => {
    expect(missingPaths(readText(path))).toEqual([]);
    const [node, ...words] = unit['ExecStart']?.split(' ') ?? [];
    expect(node).toBe('/usr/bin/node');
    expect(words.find((word) => !word.startsWith('--'))).toBe(script);
  });

  test('sets only variables that are settings', () => {
    expect(() => settingsFrom(variablesOf(path))).not.toThrow();
  });

  test('waits for the drain to end', () => {
    expect(Number(unit['TimeoutStopSec'])).toBeGreaterThan(drains * drainSeconds);
  });

  test('lets V8 compile', () => {
    expect(unit['MemoryDenyWriteExecute']).toBeUndefined();
  });
});

test('the plugin server leaves the work to the worker', () => {
  expect(settingsFrom(variablesOf(PLUGIN_SERVER)).worker_threads).toBe(0);
});

test('the plugin server listens where kong.unmanaged.conf.example looks', () => {
  const { ExecStart = '', RuntimeDirectory } = readUnit(PLUGIN_SERVER);
  const { kongPrefix, sockName } = parseArguments(ExecStart.split(' ').slice(3));
  expect(kongPrefix).toBe(`/run/${RuntimeDirectory ?? ''}`);
  expect(readText('kong/kong.unmanaged.conf.example')).toContain(`_socket = ${kongPrefix}/${sockName}\n`);
});
