// Who else may speak to the plugin server, and what it would tell them. A Kong in the background gives its children a
// umask of 0.
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { newEncryptionKey } from '../helpers/encryption';
import { Releasers } from '../helpers/stack/releasers';
import { KongConnection } from './plugin-server-fixture/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

/** As ServerProcess takes it: from the fixtures. */
const OUR_PLUGIN = '../../../dist/plugins';

let resources: Releasers;
beforeEach(() => {
  resources = new Releasers();
});
afterEach(() => resources.release());

async function start(
  options: NonNullable<Parameters<typeof ServerProcess.start>[1]> = {},
): Promise<ServerProcess> {
  const { prefix, remove } = makePrefix();
  resources.add(remove);
  const server = await ServerProcess.start(prefix, options);
  resources.add(() => server.kill());
  return server;
}

const permissions = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe.each(['000', '022', '777'])('started with a umask of %s', (umask) => {
  test('only its own user can access the socket', async () => {
    const { socketPath } = await start({ umask });
    expect(permissions(socketPath)).toBe('600');
  });

  test('its group can access the socket if ARR_SOCKET_MODE permits that', async () => {
    const { socketPath } = await start({ umask, env: { ARR_SOCKET_MODE: '0660' } });
    expect(permissions(socketPath)).toBe('660');
  });
});

test('the umask of the process excludes others, so that the socket is protected before its mode is set', async () => {
  const { pid } = await start({ umask: '000' });
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Umask:\s+0077$/m);
});

test('no answer contains a part of a configuration', async () => {
  const secret = (): string => randomBytes(24).toString('base64');
  const secrets = [secret(), secret(), newEncryptionKey()] as const;
  const config = {
    redis: { host: '127.0.0.1', port: 1, password: secrets[0] },
    upstream: { mode: 'loopback', url: 'http://127.0.0.1:8000', loopback_secret: secrets[1] },
    encryption: { keys: [secrets[2]] },
  };
  const server = await start({ plugin: OUR_PLUGIN, env: { ARR_WORKER_THREADS: '0' } });
  const kong = await KongConnection.open(server.socketPath);
  resources.add(() => kong.socket.destroy());
  const started = await kong.call('StartInstance', {
    Name: 'async-request-reply',
    Config: JSON.stringify(config),
  });
  const { Id } = started.result as { Id: number };

  const answers = [
    started,
    await kong.call('InstanceStatus', Id),
    await kong.call('GetStatus', null),
    await kong.call('GetPluginInfo', 'async-request-reply'),
    await kong.call('CloseInstance', Id),
    await kong.call('InstanceStatus', Id),
    await kong.call('GetStatus', null),
  ];

  expect(answers.map(({ error }) => error)).toEqual(answers.map(() => null));
  const told = JSON.stringify(answers);
  expect(secrets.filter((text) => told.includes(text))).toEqual([]);
  expect(answers[2]?.result).toMatchObject({ OpenInstances: 1 });
});
