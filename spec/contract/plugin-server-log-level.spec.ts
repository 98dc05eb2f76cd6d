// The plugin logs at the level of its plugin server, wherever that level comes from.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../helpers/until';
import { KongConnection } from './plugin-server-fixture/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

/** What the plugin logs at level `info` at its first request. */
const INFO = 'this Kong has no $arr_request: see docs/installation.md for the nginx include that saves calls';

let prefix: string;
let remove: () => void;
let server: ServerProcess | undefined;

beforeEach(() => ({ prefix, remove } = makePrefix()));
afterEach(async () => {
  await server?.kill();
  remove();
});

/** Starts a server with the plugin and lets it log `INFO`. */
async function serve(env: NodeJS.ProcessEnv, ...args: string[]): Promise<ServerProcess> {
  const started = ServerProcess.spawn(prefix, {
    plugin: '../../../dist/plugins',
    env: { ARR_WORKER_THREADS: '0', ...env },
    args,
  });
  server = started;
  // At some levels it does not log that it listens.
  const kong = await until('the plugin server to listen', () =>
    KongConnection.open(started.socketPath).catch(() => undefined),
  );
  const config = JSON.stringify({ redis: { port: 1 } });
  const { result } = await kong.call('StartInstance', { Name: 'async-request-reply', Config: config });
  const first = await kong.event((result as { Id: number }).Id);
  expect(first).toMatchObject({ method: 'kong.nginx.get_var', args: ['arr_request'] });
  await kong.step(first, null);
  kong.socket.destroy();
  return started;
}

const settingsFile = (logLevel: string): NodeJS.ProcessEnv => {
  const path = join(prefix, 'settings.json');
  writeFileSync(path, JSON.stringify({ log_level: logLevel }));
  return { ARR_SETTINGS_FILE: path };
};

test('the plugin logs at level info by default', async () => {
  await (await serve({})).logged(INFO);
});

test('the plugin logs what --verbose asks for, whatever ARR_LOG_LEVEL says', async () => {
  await (await serve({ ARR_LOG_LEVEL: 'fatal' }, '--verbose')).logged(INFO);
});

test.each([
  ['the settings file', () => settingsFile('warn')],
  ['ARR_LOG_LEVEL', () => ({ ARR_LOG_LEVEL: 'warn' })],
])('the plugin logs nothing below the level of %s', async (_source, env) => {
  const started = await serve(env());
  // At level `warn`: Redis is not there.
  await started.logged('redis connection failed');
  expect(started.log.map(({ msg }) => msg)).not.toContain(INFO);
});
