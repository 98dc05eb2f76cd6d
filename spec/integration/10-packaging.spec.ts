// kong/kong.yml as it is installed, on whichever gateway is there, with the demo upstream and a worker of its own: the
// parts of docker-compose.yml without the containers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { startGateway, type Gateway } from '../helpers/gateway';
import { REPOSITORY } from '../helpers/gateway/gateway-setup';
import { HttpClient, type HttpResponse } from '../helpers/http-client';
import { strangeJobId } from '../helpers/job-ids';
import { RedisServer } from '../helpers/redis-server';
import type { Releasers } from '../helpers/stack/releasers';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const { localConfig } = createRequire(__filename)(`${REPOSITORY}/kong/upstream/local-config.js`) as {
  localConfig: (addresses: { redis: string; upstreamUrl: string }) => string;
};
const PLUGIN_SERVER = `${REPOSITORY}/dist/kong/plugin-server.js`;
/** The default of our plugin server, which the helper has to be given. */
const SOCKET_NAME = 'async-request-reply.socket';
const ALICE = { apikey: 'alice-demo-key' };
const BOB = { apikey: 'bob-demo-key' };

describe.each([
  ['managed by the gateway', true],
  ['run by somebody else', false],
])('with the plugin server %s', (_, managed) => {
  let gateway: Gateway;
  let client: HttpClient;

  /** A program of ours; resolves with its first line. */
  async function startProgram(
    resources: Releasers,
    script: string,
    env: Record<string, string>,
  ): Promise<string> {
    const child = spawn(process.execPath, [`${REPOSITORY}/${script}`], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    resources.add(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [unknown];
    if (!Buffer.isBuffer(line)) throw new Error(`${script} ended before it said anything`);
    child.stdout.resume();
    return line.toString();
  }

  useResources(async (resources) => {
    const redis = await resources.use(RedisServer.start(), (started) => started.stop());
    const greeting = await startProgram(resources, 'kong/upstream/slow-upstream.js', { PORT: '0' });
    const upstreamUrl = /http:\S+/.exec(greeting)?.[0] ?? '';
    const starting = startGateway({
      config: localConfig({ redis: `${redis.host}:${redis.port}`, upstreamUrl }),
      pluginServer: {
        command: [process.execPath, PLUGIN_SERVER, '-p', '{prefix}', '--sock-name', SOCKET_NAME],
        queryCommand: [process.execPath, PLUGIN_SERVER, '--dump-all-plugins'],
        env: { ARR_WORKER_THREADS: '0' },
        managed,
      },
    });
    gateway = await resources.use(starting, (started) => started.stop());
    client = new HttpClient(gateway.proxyPort);
    await startProgram(resources, 'dist/kong/worker.js', {
      ARR_REDIS_HOST: redis.host,
      ARR_REDIS_PORT: String(redis.port),
    });
  });

  const submit = (target: string, headers: Record<string, string> = {}): Promise<HttpResponse> =>
    client.request(target, { method: 'POST', body: 'hello', headers });

  test('a report is accepted, polled on the poll route and fetched there', async () => {
    const accepted = await submit('/reports?seconds=0.1&status=201');
    expect(accepted.status).toBe(202);
    const location = accepted.header('Location') ?? '';
    expect(location).toBe(`/jobs/${accepted.header('X-Async-Kong-Id')}`);

    const settled = await until('the job to settle', async () => {
      const polled = await client.request(location);
      return polled.status === 303 ? polled : undefined;
    });
    const result = await client.request(settled.header('Location') ?? '');
    expect(result.status).toBe(201);
    expect(result.header('X-Demo-Upstream')).toBe('slow');
    expect(result.json()).toMatchObject({ method: 'POST', body_bytes: 5 });
  });

  test('an order is seen by the consumer that made it and by nobody else', async () => {
    expect((await submit('/orders?seconds=0')).status).toBe(401);
    const accepted = await submit('/orders?seconds=0', ALICE);
    expect(accepted.status).toBe(202);
    const location = accepted.header('Location') ?? '';
    expect(location).toMatch(/^\/orders\?async-id=/);
    const id = accepted.header('X-Async-Kong-Id') ?? '';

    expect((await client.request(location, { headers: BOB })).status).toBe(404);
    expect((await client.request(`/jobs/${id}`)).status).toBe(404);
    const order = await until('the order to be done', async () => {
      const polled = await client.request('/orders', { headers: { ...ALICE, 'X-Async-Kong-Id': id } });
      return polled.status === 200 ? polled : undefined;
    });
    expect(order.json()).toMatchObject({ consumer: 'alice', job_id: id });
  });

  test('a route without the plugin goes straight to the upstream', async () => {
    const direct = await client.request('/direct?seconds=0');
    expect(direct.status).toBe(200);
    expect(direct.header('X-Async-Kong-Id')).toBeUndefined();
    expect(direct.json()).toMatchObject({ path: '/direct?seconds=0', job_id: null });
  });

  test('the poll route knows only job IDs', async () => {
    expect((await client.request('/jobs')).status).toBe(404);
    expect((await client.request(`/jobs/${strangeJobId()}`)).status).toBe(404);
  });

  test('without the plugin server nothing reaches the upstream but by the route that has no plugin', async () => {
    const kill = async (): Promise<void> => {
      for (const pid of await gateway.pluginServerPids()) process.kill(pid, 'SIGKILL');
    };
    // A managed one is back within a second. 500 is a Kong worker that had not yet used the plugin on this route.
    const refused = await until('the guard to answer', async () => {
      await kill();
      const response = await submit('/reports?seconds=0');
      expect([202, 500, 503]).toContain(response.status);
      return response.status === 503 ? response : undefined;
    });
    expect(refused.header('Content-Type')).toMatch(/^application\/problem\+json/);
    expect(refused.json()).toMatchObject({ status: 503 });
    expect((await client.request('/direct?seconds=0')).status).toBe(200);
  });
});
