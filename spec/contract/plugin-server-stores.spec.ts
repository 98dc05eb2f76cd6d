// Which Redis a plugin server goes on asking for, told by what Kong starts and by whether Kong is there at all.
import { freePort } from '../helpers/gateway/free-port';
import { HttpClient } from '../helpers/http-client';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import { KongConnection } from './plugin-server-fixture/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

let server: ServerProcess;
let health: HttpClient;

useResources(async (resources) => {
  const { prefix } = await resources.use(makePrefix(), ({ remove }) => remove());
  const port = await freePort();
  const env = { ARR_HEALTH_LISTEN: String(port), ARR_WORKER_THREADS: '0' };
  const starting = ServerProcess.start(prefix, { plugin: '../../../dist/plugins', env });
  server = await resources.use(starting, (started) => started.kill());
  health = new HttpClient(port);
});

/** Ports on which nothing listens, so that each is reported as long as it is in use. */
const [LATER, EARLIER, AFTER] = [1, 2, 3];

/** As Kong starts an instance of one plugin on one route. */
async function start(kong: KongConnection, seq: number, port: number): Promise<void> {
  const config = { __key__: 'plugins:async-request-reply:r:::', __seq__: seq, redis: { port } };
  const { error } = await kong.call('StartInstance', {
    Name: 'async-request-reply',
    Config: JSON.stringify(config),
  });
  expect(error).toBeNull();
}

const reasons = async (): Promise<string[]> =>
  ((await health.request('/ready')).json()['reasons'] as string[]).map((reason) =>
    reason.replace('Redis does not answer: 127.0.0.1:', ''),
  );

test('an instance of an earlier configuration does not replace the store of a later one, unless it belongs to another Kong', async () => {
  const kong = await KongConnection.open(server.socketPath);
  await start(kong, 500, LATER);
  await start(kong, 3, EARLIER);
  expect(await reasons()).toEqual([String(LATER), String(EARLIER)]);

  // A Kong that was started anew counts from 1.
  kong.socket.destroy();
  await kong.closed;
  await until('what the next Kong starts to be all that is needed', async () => {
    const next = await KongConnection.open(server.socketPath);
    await start(next, 4, AFTER);
    next.socket.destroy();
    await next.closed;
    return (await reasons()).join() === String(AFTER);
  });
});
